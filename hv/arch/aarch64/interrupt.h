/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HV_ARCH_AARCH64_INTERRUPT_H
#define HV_ARCH_AARCH64_INTERRUPT_H

#include "core/hv.h"
#include "core/verdict.h"

/** From the vector: IRQ (or FIQ) while a guest ran. */
enum hv_verdict hv_exit_irq(struct hv_cpu *cpu);

/** The end of every exit that may have changed something: requests of other CPUs, interrupts to hand in. */
enum hv_verdict hv_exit_finish(struct hv_cpu *cpu);

/** The same, where mostly nothing is to be done. */
static inline enum hv_verdict hv_exit_finish_quick(struct hv_cpu *cpu, const struct hv_vcpu *vcpu)
{
    /* Relaxed. Volatile, because GCC computes an atomic access's address in an instruction of its own. */
    if (*(const volatile uint32_t *)&cpu->requests == 0U && !ash_vgic_needs_flush(&vcpu->vgic)) {
        return HV_RESUME;
    }
    return hv_exit_finish(cpu);
}

/** List registers → vGIC → list registers, for the loaded vCPU. */
void hv_vgic_resync(struct hv_cpu *cpu);

#endif
