/* SPDX-License-Identifier: BSD-2-Clause */
/** Raspberry Pi 3: what is needed before the device tree can be read, or without one. Assembly includes it. */
#ifndef BSP_MEMMAP_H
#define BSP_MEMMAP_H

/** The line that says "not started at EL2" goes out of whichever UART the firmware has turned on: registers of the
 *  PL011 (DDI 0183) and of the mini-UART (BCM2835 ARM Peripherals, 2.2). */
#define BSP_PL011    0x3f201000
#define BSP_MINIUART 0x3f215000

/** QA7 rev 3.4, 4.2 and 4.3. */
#define BSP_LOCAL           0x40000000
#define BSP_LOCAL_CONTROL   0x00 /* 0: the timers count the crystal, by 1 */
#define BSP_LOCAL_PRESCALER 0x08 /* 0x80000000: divided by 1 */

/** The crystal, Hz. */
#define BSP_CNTFRQ 19200000

/** Entered at EL3: bsp_el3_entry (el3.S) does what firmware would, and comes back at EL2. */
#define BSP_HAS_EL3_ENTRY 1

#define BSP_WRONG_EL_HINT "config.txt: arm_64bit=1, without a boot loader that drops to EL1"

#endif
