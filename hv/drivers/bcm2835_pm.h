/* SPDX-License-Identifier: BSD-2-Clause */
/** A Raspberry Pi's power block: the watchdog resets the chip, and RSTS tells the firmware in ROM which partition to
 *  start then; 63 stands for none, which is how such a board is turned off. */
#ifndef HV_DRIVERS_BCM2835_PM_H
#define HV_DRIVERS_BCM2835_PM_H

#include <stdint.h>

/** Reset within a millisecond. base: 0: there is none, and nothing happens. Returns before it happens. */
void hv_bcm2835_pm_reset(uint64_t base);

/** The same, after which the firmware halts. */
void hv_bcm2835_pm_power_off(uint64_t base);

#endif
