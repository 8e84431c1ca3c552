/* SPDX-License-Identifier: BSD-2-Clause */
/** Which drivers the board's image has: bsp/<board>/bsp.cmake names them (BSP_DRIVERS), hv/CMakeLists.txt makes each
 *  name HV_DRIVER_<NAME>=1. The others are 0, and what would choose them is no code at all. */
#ifndef HV_DRIVERS_DRIVERS_H
#define HV_DRIVERS_DRIVERS_H

#ifndef HV_DRIVER_GIC /* GICv2, GICv3 */
#define HV_DRIVER_GIC 0
#endif
#ifndef HV_DRIVER_BCM2836 /* the interrupt controllers of a Raspberry Pi 2 and 3 */
#define HV_DRIVER_BCM2836 0
#endif
#ifndef HV_DRIVER_BCM2835_AUX /* its mini-UART */
#define HV_DRIVER_BCM2835_AUX 0
#endif
#ifndef HV_DRIVER_BCM2835_PM /* its power block */
#define HV_DRIVER_BCM2835_PM 0
#endif
#ifndef HV_DRIVER_SPIN_TABLE /* CPUs that wait in memory for an address */
#define HV_DRIVER_SPIN_TABLE 0
#endif

#endif
