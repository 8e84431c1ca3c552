/* SPDX-License-Identifier: BSD-2-Clause */
/** The ARM interrupt controller of a BCM2837: BCM2835 ARM Peripherals, chapter 7. Level-sensitive throughout:
 *  nothing is latched, and a source that goes low is no longer pending.
 *
 *  Where the manual leaves room: a Disable register reads as the Enable register of the same sources; FIQ source
 *  numbers 72 and above are none. The interrupt that is the FIQ's is an IRQ too if it is enabled as one, as the
 *  manual warns.
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_BCM_INTC_H
#define HV_VDEV_BCM_INTC_H

#include <stdbool.h>
#include <stdint.h>

/* GPU interrupts, 7.5 "ARM peripherals interrupts table", and ARM ones (basic). */
#define HV_BCM_IRQ_SYSTIMER   0U /* to 3 */
#define HV_BCM_IRQ_AUX        29U
#define HV_BCM_IRQ_PL011      57U
#define HV_BCM_BASIC_MAILBOX  1U
#define HV_BCM_INTC_REGISTERS 10U

/** Inputs: levels, a bit a source. The rest is what the guest wrote. */
struct hv_bcm_intc {
    uint64_t gpu;
    uint64_t gpu_enabled;
    uint8_t basic;
    uint8_t basic_enabled;
    uint8_t fiq; /* FIQ control: [7] enable, [6:0] source */
};

/** Out of reset: nothing is enabled. */
void hv_bcm_intc_reset(struct hv_bcm_intc *intc);

/** Register @index, from IRQ basic pending on; others read 0 and ignore writes. */
uint32_t hv_bcm_intc_read(const struct hv_bcm_intc *intc, uint64_t index);
void hv_bcm_intc_write(struct hv_bcm_intc *intc, uint64_t index, uint32_t value);

/** Its two outputs. */
bool hv_bcm_intc_irq(const struct hv_bcm_intc *intc);
bool hv_bcm_intc_fiq(const struct hv_bcm_intc *intc);

/** GPU source @source, 0..63, would be seen by a CPU: enabled as IRQ, or the FIQ's. */
bool hv_bcm_intc_listens(const struct hv_bcm_intc *intc, unsigned source);

#endif
