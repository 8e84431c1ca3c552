/* SPDX-License-Identifier: BSD-2-Clause */
/** Questions to a Raspberry Pi's firmware, which runs on the VideoCore: the mailbox property interface, channel 8.
 *  "BCM2835 ARM Peripherals" leaves it out; the binding brcm,bcm2835-mbox and the firmware's wiki describe it. */
#ifndef HV_DRIVERS_BCM2835_MAILBOX_H
#define HV_DRIVERS_BCM2835_MAILBOX_H

#include <stdint.h>

#define HV_BCM2835_CLOCK_CORE 4U /* what the mini-UART counts */

/** The present rate of a clock, Hz; 0: the firmware does not know, or does not answer within 100 ms.
 *  Boot CPU, before the others run. base: of the mailbox's registers; 0: there is none. */
uint32_t hv_bcm2835_clock_rate(uint64_t base, uint32_t clock);

#endif
