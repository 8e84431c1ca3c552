/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical interrupts: from a guest, and in the idle loop. */
#include "arch/aarch64/interrupt.h"

#include "arch/aarch64/platform.h"
#include "arch/aarch64/policy.h"
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/virtual_interface.h"
#include "arch/arch.h"
#include "core/hv.h"
#include "glue/bcm2837.h"
#include "glue/console_glue.h"

/* A bound for one wake-up: more than that come again as the next one. */
#define MAX_PER_WAKE_UP 8U

/** The same for a vCPU without list registers: whatever drives its lines has said what they are. */
static void resync_lines(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    hv_machine_lock(cpu, &vcpu->vm->machine);
    __atomic_store_n(&vcpu->vgic.work, 0U, __ATOMIC_RELAXED);
    if (vcpu->vm->machine.delivery == HV_DELIVERY_SOFTWARE) {
        hv_machine_flush_vgic(vcpu);
    }
    hv_machine_unlock(&vcpu->vm->machine);
    hv_arch_apply_lines(vcpu); /* who changes them meanwhile kicks */
}

/** Take what the guest's used list registers and HCR say into the vGIC, and give it what to do next. */
void hv_vgic_resync(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;

    if (vcpu->vm->machine.delivery != HV_DELIVERY_LIST_REGISTERS) {
        resync_lines(cpu, vcpu);
        return;
    }
    hv_vif_fetch(&vcpu->vgic.lrs);
    hv_machine_lock(cpu, &vcpu->vm->machine);
    ash_vgic_sync(&vcpu->vgic);
    ash_vgic_flush(&vcpu->vgic);
    hv_machine_unlock(&vcpu->vm->machine);
    hv_vif_apply(&vcpu->vgic.lrs);
}

bool hv_arch_interrupt_waits(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    bool waits;

    if (vcpu->vm->machine.delivery != HV_DELIVERY_LIST_REGISTERS) {
        if (vcpu->vm->machine.bcm != NULL) {
            hv_bcm2837_look_at_timers(cpu, 0);
        }
        resync_lines(cpu, vcpu);
        return (hv_sysreg_read(hcr_el2) & (HCR_VSE | HCR_VI | HCR_VF)) != 0U;
    }
    hv_vif_fetch(&vcpu->vgic.lrs);
    hv_vif_fetch_interface(&vcpu->vgic.lrs);
    hv_machine_lock(cpu, &vcpu->vm->machine);
    ash_vgic_sync(&vcpu->vgic);
    ash_vgic_flush(&vcpu->vgic);
    waits = ash_vgic_has_deliverable(&vcpu->vgic);
    hv_machine_unlock(&vcpu->vm->machine);
    hv_vif_apply(&vcpu->vgic.lrs);
    /* A virtual SError that the guest has not taken yet wakes it too (DDI 0487 D1.6.2). */
    return waits || (hv_sysreg_read(hcr_el2) & HCR_VSE) != 0U;
}

/* The EL2 physical timer: nobody else's. Off while its compare value changes. */
void hv_arch_set_alarm(struct hv_cpu *cpu, uint64_t deadline)
{
    (void)cpu;
    hv_sysreg_write(cnthp_ctl_el2, 0);
    if (deadline != UINT64_MAX && hv_platform.alarm_intid != 0U) {
        hv_sysreg_write(cnthp_cval_el2, deadline);
        hv_isb();
        hv_sysreg_write(cnthp_ctl_el2, 1);
    }
}

/** The same where no list registers deliver: to the vGIC, which drives lines, or to a machine's own controller. */
static __attribute__((noinline)) void inject_without_list(struct hv_cpu *cpu, uint32_t intid)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    struct hv_machine *machine = &vcpu->vm->machine;

    hv_machine_lock(cpu, machine);
    if (machine->delivery == HV_DELIVERY_LINES) {
        hv_bcm2837_timer_fired(cpu,
                               intid == hv_platform.vtimer_intid ? ASH_VTIMER_VIRTUAL : ASH_VTIMER_PHYSICAL);
    } else {
        ASH_DISCARD(
            ash_vgic_inject_hw(&machine->vgic, vcpu->index, intid)); /* linked since the VM was made */
        hv_machine_flush_vgic(vcpu);
    }
    hv_machine_unlock(machine);
    hv_arch_apply_lines(vcpu);
}

/** Deliver @intid to the loaded vCPU: by what is known of the list registers now, or by a flush. */
static inline __attribute__((always_inline)) void inject(struct hv_cpu *cpu, uint32_t intid)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    struct hv_machine *machine = &vcpu->vm->machine;
    uint32_t elrsr;
    int lr;

    if (machine->delivery != HV_DELIVERY_LIST_REGISTERS) {
        inject_without_list(cpu, intid);
        return;
    }
    elrsr = hv_vif_read_elrsr();
    hv_machine_lock(cpu, machine);
    lr = ash_vgic_inject_fast(&vcpu->vgic, intid, elrsr);
    if (lr < 0) {
        ASH_DISCARD(
            ash_vgic_inject_hw(&machine->vgic, vcpu->index, intid)); /* linked since the VM was made */
    }
    hv_machine_unlock(machine);
    if (lr >= 0) {
        hv_vif_write_lr((unsigned)lr, vcpu->vgic.lrs.lr[lr]);
    }
}

/** A timer of the guest's fired: acknowledged, its priority dropped, active until the guest's EOI. */
static inline __attribute__((always_inline)) void guest_timer(struct hv_cpu *cpu, uint32_t intid)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    int lr = -1;

    if (vcpu == NULL) {
        /* It fired while the vCPU was being put; the timer is off by now. */
        hv_gic_deactivate(&hv_platform.gic, cpu, intid);
        return;
    }
    if (!hv_platform.gic.forgets) { /* else never HW = 1, and never again */
        hv_machine_lock(cpu, &vcpu->vm->machine);
        lr = ash_vgic_inject_again(&vcpu->vgic, intid);
        hv_machine_unlock(&vcpu->vm->machine);
    }
    if (lr >= 0) {
        hv_vif_write_lr((unsigned)lr, vcpu->vgic.lrs.lr[lr]);
    } else {
        inject(cpu, intid);
    }
}

/** Not a kick: the CPU that it came from has said why, and this one acts on it. */
static void record(const struct hv_cpu *cpu, uint32_t intid)
{
    hv_record_at(cpu->recorder, hv_sysreg_read(cntpct_el0), HV_EVENT_INTERRUPT, intid, 0);
}

/** Any other: likewise. */
static __attribute__((noinline)) void handle(struct hv_cpu *cpu, uint32_t acknowledged, uint32_t intid)
{
    if (intid == hv_platform.maintenance_intid) {
        /* Level-sensitive: its cause goes away with the resync, so only then is it deactivated. */
        record(cpu, intid);
        if (cpu->vcpu != NULL) {
            ash_vgic_request_flush(&cpu->vcpu->vgic);
            hv_vgic_resync(cpu);
        }
    } else if (intid == hv_platform.alarm_intid) {
        record(cpu, intid);
        hv_sysreg_write(cnthp_ctl_el2, 0);
        hv_isb(); /* level-sensitive: it is low before it is deactivated */
        hv_sched_alarm(cpu);
    } else if (intid == hv_platform.uart_intid) {
        record(cpu, intid);
        hv_console_interrupt(cpu);
    } else if (intid != HV_GIC_SGI_KICK) { /* what a kick is about is looked at after the last interrupt */
        record(cpu, intid);
        cpu->unexpected_interrupts++;
        hv_gic_enable(&hv_platform.gic, cpu, intid, false);
    }
    hv_gic_deactivate(&hv_platform.gic, cpu, acknowledged);
}

/** The highest pending one; false: there is none. */
static inline __attribute__((always_inline)) bool take_interrupt(struct hv_cpu *cpu)
{
    uint32_t acknowledged;
    uint32_t intid;

    /* hv_gic_*() in one branch: they would each ask for the version. */
    if (hv_gic_is_bcm2836(&hv_platform.gic)) {
        acknowledged = hv_bcm2836_acknowledge(&hv_platform.gic, cpu);
        intid = acknowledged;
        if (intid >= HV_GIC_SPURIOUS) {
            return false;
        }
    } else if (hv_platform.gic.version == 3U) {
        acknowledged = hv_gicv3_acknowledge();
        intid = acknowledged;
        if (intid >= HV_GIC_SPURIOUS) {
            return false;
        }
        hv_gicv3_drop(acknowledged);
    } else {
        acknowledged = hv_gicv2_acknowledge(&hv_platform.gic);
        intid = hv_gic_intid(&hv_platform.gic, acknowledged);
        if (intid >= HV_GIC_SPURIOUS) {
            return false;
        }
        hv_gicv2_drop(&hv_platform.gic, acknowledged);
    }
    if (intid == hv_platform.vtimer_intid || intid == hv_platform.ptimer_intid) {
        guest_timer(cpu, intid);
    } else {
        handle(cpu, acknowledged, intid);
    }
    return true;
}

static void take_interrupts(struct hv_cpu *cpu)
{
    for (unsigned n = 0; n < MAX_PER_WAKE_UP; n++) {
        if (!take_interrupt(cpu)) {
            return;
        }
    }
}

enum hv_verdict hv_exit_finish(struct hv_cpu *cpu)
{
    enum hv_verdict verdict = HV_RESUME;
    uint32_t requests;

    /* First: it may wake a vCPU that shares this CPU. */
    if (ash_vgic_needs_flush(&cpu->vcpu->vgic)) {
        hv_vgic_resync(cpu);
    }
    requests = hv_cpu_take_requests(cpu);
    if (requests != 0U) {
        verdict = hv_sched_look(cpu, requests);
    }
    /* What was asked for, a job's step for one, may have raised interrupts, and no kick comes for what this CPU does
     * itself. For this vCPU: into the list registers. For another one: at the next exit, which is at once. */
    if (verdict == HV_RESUME && requests != 0U) {
        if (ash_vgic_needs_flush(&cpu->vcpu->vgic)) {
            hv_vgic_resync(cpu);
        }
        if (__atomic_load_n(&cpu->requests, __ATOMIC_RELAXED) != 0U) {
            hv_arch_kick(cpu);
        }
    }
    return verdict;
}

enum hv_verdict hv_exit_irq(struct hv_cpu *cpu)
{
    /* One: another that is pending takes us out again before the guest's next instruction. Looking for it here would
     * cost every exit, and there is one in few. */
    (void)take_interrupt(cpu);
    return hv_exit_finish_quick(cpu, cpu->vcpu);
}

void hv_arch_take_interrupts(struct hv_cpu *cpu)
{
    take_interrupts(cpu);
}

void hv_arch_idle(struct hv_cpu *cpu)
{
    /* Interrupts are masked here: a pending one ends the WFI all the same (DDI 0487 D1.6.2). DSB: stores of ours are
     * not left behind while this CPU sleeps. */
    hv_dsb(sy);
    __asm__ volatile("wfi" : : : "memory");
    take_interrupts(cpu);
}
