/* SPDX-License-Identifier: BSD-2-Clause */
/** The local block of a BCM2837, one for its four cores: "BCM2836 ARM-local peripherals" (QA7), revision 3.4. It
 *  brings the cores their timers, mailboxes, the local timer and what the ARM interrupt controller sends.
 *
 *  Of the four timers of a core a guest has two: CNTPNS (its CNTP) and CNTV. Its secure and its hypervisor timer
 *  never interrupt; PMU and AXI interrupts do not come either. The core timer reads as the counter, and its control
 *  and prescaler are storage: the counter's frequency is CNTFRQ_EL0. The local timer counts at 38.4 MHz: @now is in
 *  its ticks.
 *  Lock domain of everything here: the VM's devices. No call waits, none fails for what a guest wrote.
 */
#ifndef HV_VDEV_BCM_LOCAL_H
#define HV_VDEV_BCM_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#define HV_BCM_CORES           4U
#define HV_BCM_LOCAL_SIZE      0x100U
#define HV_BCM_LOCAL_TIMER_HZ  UINT64_C(38400000)
#define HV_BCM_LOCAL_CNTP      0x2U /* bits of a core's timers, as in its sources */
#define HV_BCM_LOCAL_CNTV      0x8U
#define HV_BCM_LOCAL_MAILBOXES 4U

struct hv_bcm_local {
    /* Inputs. */
    uint8_t timers[HV_BCM_CORES]; /* HV_BCM_LOCAL_CNTP, CNTV: which are asserted */
    bool gpu_irq;
    bool gpu_fiq;

    uint32_t control;
    uint32_t prescaler;
    uint32_t gpu_routing;
    uint32_t pmu_routing;
    uint32_t local_routing;
    uint32_t local_timer; /* [29:0] of its control */
    bool local_flag;
    uint64_t local_zero_at; /* it runs: when it is 0 next */
    uint32_t timer_control[HV_BCM_CORES];
    uint32_t mailbox_control[HV_BCM_CORES];
    uint32_t mailbox[HV_BCM_CORES][HV_BCM_LOCAL_MAILBOXES];
};

void hv_bcm_local_reset(struct hv_bcm_local *local);

/** Has the local timer been 0 up to @now? */
void hv_bcm_local_update(struct hv_bcm_local *local, uint64_t now);

/** Register at @offset from its base. @now: as last brought by hv_bcm_local_update(); @counter: what CNTPCT_EL0
 *  shows. */
uint32_t hv_bcm_local_read(const struct hv_bcm_local *local, uint64_t counter, uint64_t offset);
void hv_bcm_local_write(struct hv_bcm_local *local, uint64_t now, uint64_t offset, uint32_t value);

/** What core @core, 0..3, has pending as IRQ (@fiq: as FIQ): its interrupt source register. */
uint32_t hv_bcm_local_sources(const struct hv_bcm_local *local, unsigned core, bool fiq);

/** When does the local timer interrupt next? UINT64_MAX: it does not run, nobody listens, or it has. */
uint64_t hv_bcm_local_deadline(const struct hv_bcm_local *local);

/** Is @offset a source register (IRQ or FIQ) of a core, and whose? HV_BCM_CORES: it is none. */
unsigned hv_bcm_local_source_core(uint64_t offset);

#endif
