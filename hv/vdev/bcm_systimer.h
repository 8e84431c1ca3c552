/* SPDX-License-Identifier: BSD-2-Clause */
/** The system timer of a BCM2837: BCM2835 ARM Peripherals, chapter 12. A free-running 64-bit counter of 1 MHz and
 *  four compare registers: when the low 32 bits of the counter are equal to one, its bit in CS is set, and stays so
 *  until the guest writes 1 to it. The bits are the interrupts, GPU 0..3.
 *
 *  Time comes in as an argument: @now in microseconds of the VM's counter, and never runs backwards. Nothing
 *  happens between calls: whoever wants an interrupt in time calls hv_bcm_systimer_update() at the deadline. A
 *  compare register that is set to what the counter shows matches at once.
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_BCM_SYSTIMER_H
#define HV_VDEV_BCM_SYSTIMER_H

#include <stdbool.h>
#include <stdint.h>

#define HV_BCM_SYSTIMER_CHANNELS 4U

struct hv_bcm_systimer {
    uint64_t seen; /* the time up to which matches have been looked for */
    uint32_t compare[HV_BCM_SYSTIMER_CHANNELS];
    uint32_t matched; /* CS [3:0] */
};

/** Out of reset at @now: compare registers 0, nothing matched. The counter goes on. */
void hv_bcm_systimer_reset(struct hv_bcm_systimer *timer, uint64_t now);

/** Look for matches in (time of the last call, @now]. */
void hv_bcm_systimer_update(struct hv_bcm_systimer *timer, uint64_t now);

/** Register at @offset from its base: CS, CLO, CHI, C0..C3; others read 0 and ignore writes. @now: as last brought by
 *  hv_bcm_systimer_update(). */
uint32_t hv_bcm_systimer_read(const struct hv_bcm_systimer *timer, uint64_t now, uint64_t offset);
void hv_bcm_systimer_write(struct hv_bcm_systimer *timer, uint64_t now, uint64_t offset, uint32_t value);

/** When does channel @channel match next, > the time of the last call? UINT64_MAX: it has, and is not cleared. */
uint64_t hv_bcm_systimer_deadline(const struct hv_bcm_systimer *timer, unsigned channel);

#endif
