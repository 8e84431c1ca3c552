/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/world.h"

#include <libbase/bits.h>
#include <libstage2/el2.h>
#include <libvcpu/el2.h>
#include <libvtimer/el2.h>

#include "arch/aarch64/cache.h"
#include "arch/aarch64/errata.h"
#include "arch/aarch64/interrupt.h"
#include "arch/aarch64/mitigations.h"
#include "arch/aarch64/platform.h"
#include "arch/aarch64/policy.h"
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/virtual_interface.h"
#include "arch/arch.h"
#include "core/guest_memory.h"
#include "core/hv.h"
#include "core/move.h"
#include "glue/bcm2837.h"

#define CLEAN_SLICE UINT64_C(0x10000)
#define SCTLR_M     ASH_BIT(0)
#define SCTLR_C     ASH_BIT(2)

#define TCR_EPD (ASH_BIT(23) | ASH_BIT(7)) /* EPD1, EPD0: a TLB miss faults, nothing is walked */

static struct ash_vcpu_pstate_features pstate_features;
static bool stops_walks;    /* Cortex-A72 erratum 1319367 */
static uint32_t mitigation; /* between VMs: see mitigations.h */

void hv_world_init(uint64_t midr)
{
    struct ash_vcpu_id raw;

    stops_walks = hv_errata_has(midr, 1319367);
    mitigation = hv_mitigation_between_vms(hv_arch_features()->workaround);
    ash_vcpu_el2_id_read(&raw);
    ash_vcpu_pstate_features(raw.reg[ASH_VCPU_ID_AA64PFR1], raw.reg[ASH_VCPU_ID_AA64MMFR1],
                             raw.reg[ASH_VCPU_ID_AA64MMFR2], &pstate_features);
}

const struct ash_vcpu_pstate_features *hv_world_pstate_features(void)
{
    return &pstate_features;
}

/* The physical timer, given to the guest directly. Disabled first, enabled last: no old compare value fires. */
static void physical_timer_load(const struct ash_vtimer *vtimer)
{
    hv_sysreg_write(cntp_cval_el0, vtimer->timer[ASH_VTIMER_PHYSICAL].cval);
    hv_isb();
    hv_sysreg_write(cntp_ctl_el0, vtimer->timer[ASH_VTIMER_PHYSICAL].ctl);
}

static void physical_timer_save(struct ash_vtimer *vtimer)
{
    vtimer->timer[ASH_VTIMER_PHYSICAL].ctl =
        (uint32_t)(hv_sysreg_read(cntp_ctl_el0) & (ASH_VTIMER_CTL_ENABLE | ASH_VTIMER_CTL_IMASK));
    vtimer->timer[ASH_VTIMER_PHYSICAL].cval = hv_sysreg_read(cntp_cval_el0);
    hv_sysreg_write(cntp_ctl_el0, 0);
    hv_isb();
}

/** The interrupts of this CPU that a vCPU has while it is loaded. */
static uint32_t timer_ppis(void)
{
    return 1U << hv_platform.vtimer_intid | 1U << hv_platform.ptimer_intid;
}

static void load_interrupts(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    struct hv_machine *machine = &vcpu->vm->machine;
    uint32_t active;

    hv_machine_lock(cpu, machine);
    hv_machine_load_vgic(vcpu);
    active = hv_machine_active_ppis(vcpu);
    hv_machine_unlock(machine);
    if (machine->delivery == HV_DELIVERY_LIST_REGISTERS) {
        hv_vif_load(&vcpu->vgic.lrs);
    } else {
        hv_vif_hide();
        hv_arch_apply_lines(vcpu);
    }
    if (active != 0U) {
        hv_gic_set_active_ppis(&hv_platform.gic, cpu, active, true);
    }
}

/** With the timers off. What is active goes with the vCPU: the next one's timers shall interrupt. */
static void put_interrupts(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    struct hv_machine *machine = &vcpu->vm->machine;

    if (machine->delivery == HV_DELIVERY_LIST_REGISTERS) {
        hv_vif_save(&vcpu->vgic.lrs);
    } else {
        hv_vif_show();
    }
    hv_machine_lock(cpu, machine);
    ash_vgic_put(&vcpu->vgic);
    hv_machine_unlock(machine);
    hv_gic_set_active_ppis(&hv_platform.gic, cpu, timer_ppis(), false);
}

/** What one VM taught this CPU's branch predictor is of no use to the next. last_on: a VM that never ran here may have
 *  the memory of one that is gone. */
static void forget_branches(struct hv_cpu *cpu, const struct hv_vm *vm)
{
    if (mitigation != 0U && (cpu->last_vm != vm || vm->machine.last_on[cpu->index] == 0U)) {
        (void)hv_smc(mitigation, 0, 0, 0);
    }
    cpu->last_vm = vm;
}

/** Where another vCPU of this VM ran last, or this one in an earlier life, nothing of it is left: neither may find the
 *  other's translations, and a reset CPU has an empty TLB as far as the guest may tell (DDI 0487 D8.13 "TLB
 *  maintenance"). */
static void forget_others(const struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    uint32_t *last = &vcpu->vm->machine.last_on[cpu->index];
    uint32_t self = vcpu->life << 4 | (vcpu->index + 1U);

    if (*last == self) {
        return;
    }
    *last = self;
    __asm__ volatile("tlbi vmalle1\n\tic iallu" : : : "memory");
    hv_dsb(nsh);
    hv_isb();
}

/** Cortex-A72 erratum 1319367: an AT instruction, executed speculatively while EL1's registers are partly another
 *  vCPU's, may leave its translation in the TLB. With stage 1 on and its walks off it faults instead, and a fault stays
 *  nowhere. In this order: off before stage 1 could be on with the wrong tables. */
static void stop_walks(void)
{
    hv_sysreg_write(tcr_el1, hv_sysreg_read(tcr_el1) | TCR_EPD);
    hv_isb();
    hv_sysreg_write(sctlr_el1, hv_sysreg_read(sctlr_el1) | SCTLR_M);
    hv_isb();
}

void hv_arch_stage2_invalidate(const struct ash_stage2 *table, const struct ash_stage2_invalidation *what)
{
    const struct hv_cpu *self = (const struct hv_cpu *)(uintptr_t)hv_sysreg_read(tpidr_el2);
    uint64_t tcr;
    uint64_t sctlr;

    if (!stops_walks || self->vcpu == NULL) { /* with none loaded the walks are off */
        ash_stage2_el2_invalidate(table, what);
        return;
    }
    /* It may be another VM's: VTTBR_EL2 is that one's meanwhile. */
    tcr = hv_sysreg_read(tcr_el1);
    sctlr = hv_sysreg_read(sctlr_el1);
    stop_walks();
    ash_stage2_el2_invalidate(table, what);
    hv_sysreg_write(sctlr_el1, sctlr);
    hv_isb();
    hv_sysreg_write(tcr_el1, tcr);
}

/** EL1's registers, where nothing may be walked before all of them are there. */
static void load_registers_without_walks(const struct ash_vcpu_context *context)
{
    struct ash_vcpu_context held = *context;

    held.sys.tcr_el1 |= TCR_EPD;
    held.sys.sctlr_el1 |= SCTLR_M;
    ash_vcpu_el2_load(&held);
    hv_isb();
    hv_sysreg_write(sctlr_el1, context->sys.sctlr_el1);
    hv_isb();
    hv_sysreg_write(tcr_el1, context->sys.tcr_el1);
}

ASH_STATIC_ASSERT(HV_LINE_IRQ == HCR_VI && HV_LINE_FIQ == HCR_VF, "a word of lines is ORed into HCR_EL2");

static uint64_t lines_of(const struct hv_vcpu *vcpu)
{
    /* Whoever changes it later kicks. */
    return __atomic_load_n(&vcpu->arch.lines, __ATOMIC_RELAXED);
}

/** HCR_EL2 of @vcpu, which is loaded here: in force with the ERET. VSE is the hardware's: it clears the bit when the
 *  guest takes the SError, and ours only remembers that it was set (D17.2). */
static void write_hcr(const struct hv_vcpu *vcpu)
{
    uint64_t pending = hv_sysreg_read(hcr_el2) & HCR_VSE;

    hv_sysreg_write(hcr_el2, (vcpu->arch.hcr & ~HCR_VSE) | pending | lines_of(vcpu));
}

void hv_arch_apply_lines(const struct hv_vcpu *vcpu)
{
    write_hcr(vcpu);
}

void hv_world_raise_serror(struct hv_vcpu *vcpu)
{
    vcpu->arch.hcr |= HCR_VSE;
    hv_sysreg_write(hcr_el2, vcpu->arch.hcr | lines_of(vcpu)); /* in force with the ERET */
}

/** What of a guest's waiting traps where others want its CPU. A Raspberry Pi's cores wait for each other in WFE from
 *  the beginning on. */
static uint64_t waits_of(const struct hv_machine *machine)
{
    return HCR_TWI | (machine->bcm != NULL ? HCR_TWE : 0U);
}

void hv_arch_vcpu_load(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    struct hv_machine *machine = &vcpu->vm->machine;

    if (vcpu->arch.hcr == 0U) {
        vcpu->arch.hcr = hv_policy_hcr() | (hv_move_may(vcpu) ? HCR_FB | HCR_BSU_IS : 0U);
        vcpu->arch.vse = 0;
    }
    /* Alone on its CPU it waits for interrupts in hardware; it is loaded again when that has changed. */
    vcpu->arch.hcr =
        (vcpu->arch.hcr & ~(HCR_TWI | HCR_TWE)) | (hv_sched_is_alone(vcpu) ? 0U : waits_of(machine));
    if (stops_walks) {
        stop_walks(); /* this CPU's first vCPU finds what the boot loader left */
    }
    hv_sysreg_write(vtcr_el2, ash_stage2_vtcr(&machine->stage2));
    hv_sysreg_write(vttbr_el2, ash_stage2_vttbr(&machine->stage2));
    hv_sysreg_write(hcr_el2, (vcpu->arch.hcr & ~HCR_VSE) | vcpu->arch.vse | lines_of(vcpu));
    hv_isb(); /* stage 2 stands before the guest's stage 1 is turned on: a CPU may walk it speculatively; and the
               * TLBI uses this VTTBR */
    forget_branches(cpu, vcpu->vm);
    forget_others(cpu, vcpu);
    if (stops_walks) {
        load_registers_without_walks(&vcpu->context);
    } else {
        ash_vcpu_el2_load(&vcpu->context);
    }
    ash_vcpu_el2_fp_load(&vcpu->context.fp);
    load_interrupts(cpu, vcpu);
    ash_vtimer_el2_load(&vcpu->arch.vtimer);
    physical_timer_load(&vcpu->arch.vtimer);
    if (machine->bcm != NULL) {
        hv_bcm2837_loaded(cpu);
    }
}

/** An SError that the leaving vCPU caused and that has not been taken yet is its own: let it in now, before another
 *  guest or hv's next access to a device could be blamed for it. DSB: the accesses that may cause one are complete
 *  (DDI 0487 D1.3.5 "asynchronous exceptions"); ISR_EL1.A: one is pending. */
static void collect_serror(struct hv_cpu *cpu)
{
    hv_dsb(sy);
    if ((hv_sysreg_read(isr_el1) & ASH_BIT(8)) == 0U) {
        return;
    }
    cpu->serror_seen = 0;
    cpu->serror_awaited = 1;
    __asm__ volatile("msr daifclr, #4\n\tisb\n\tmsr daifset, #4" : : : "memory");
    cpu->serror_awaited = 0;
    hv_vm_report(cpu->vcpu->vm, "vCPU %u left an SError behind, esr 0x%lx", cpu->vcpu->index,
                 *(volatile uint64_t *)&cpu->serror_seen);
    hv_vm_stop(cpu->vcpu->vm, HV_END_FAULT);
}

void hv_arch_vcpu_put(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;

    collect_serror(cpu);
    vcpu->arch.vse = hv_sysreg_read(hcr_el2) & HCR_VSE;
    ash_vtimer_el2_save(&vcpu->arch.vtimer);
    physical_timer_save(&vcpu->arch.vtimer);
    put_interrupts(cpu, vcpu);
    ash_vcpu_el2_save(&vcpu->context);
    ash_vcpu_el2_fp_save(&vcpu->context.fp);
    /* Stage 1 goes before stage 2 does: a speculative walk of what the guest left in TTBR<n>_EL1 would take its IPAs
     * for physical addresses. */
    if (stops_walks) {
        stop_walks();
    } else {
        hv_sysreg_write(sctlr_el1, hv_sysreg_read(sctlr_el1) & ~SCTLR_M);
        hv_isb();
    }
    hv_sysreg_write(hcr_el2, vcpu->arch.hcr & ~(HCR_VM | HCR_VSE));
    hv_sysreg_write(vttbr_el2, 0);
    hv_isb();
}

static bool asserts(uint64_t ctl)
{
    return (ctl & (ASH_VTIMER_CTL_ENABLE | ASH_VTIMER_CTL_IMASK | ASH_VTIMER_CTL_ISTATUS)) ==
           (ASH_VTIMER_CTL_ENABLE | ASH_VTIMER_CTL_ISTATUS);
}

uint32_t hv_arch_timers_asserted(const struct hv_vcpu *vcpu)
{
    (void)vcpu;
    hv_isb(); /* the condition as of now, not as of some instructions ago */
    return (asserts(hv_sysreg_read(cntv_ctl_el0)) ? 1U << ASH_VTIMER_VIRTUAL : 0U) |
           (asserts(hv_sysreg_read(cntp_ctl_el0)) ? 1U << ASH_VTIMER_PHYSICAL : 0U);
}

uint64_t hv_arch_timer_cval(const struct hv_vcpu *vcpu, uint32_t timer)
{
    (void)vcpu;
    return timer == ASH_VTIMER_VIRTUAL ? hv_sysreg_read(cntv_cval_el0) : hv_sysreg_read(cntp_cval_el0);
}

uint64_t hv_arch_guest_pstate(const struct hv_vcpu *vcpu)
{
    (void)vcpu;
    return hv_sysreg_read(spsr_el2); /* hv takes no exception while it handles one */
}

void hv_arch_deactivate(struct hv_vcpu *vcpu, uint32_t intid)
{
    const struct hv_cpu *self = (const struct hv_cpu *)(uintptr_t)hv_sysreg_read(tpidr_el2);

    /* A PPI's active state was cleared when its vCPU was put: it is another's by now. */
    if (intid >= 32U || self->vcpu == vcpu) {
        hv_gic_clear_active(&hv_platform.gic, vcpu->cpu, intid);
    }
}

void hv_arch_fp_borrow(struct hv_cpu *cpu)
{
    if (cpu->vcpu != NULL) {
        ash_vcpu_el2_fp_save(&cpu->vcpu->context.fp);
    }
}

void hv_arch_fp_return(struct hv_cpu *cpu)
{
    if (cpu->vcpu != NULL) {
        ash_vcpu_el2_fp_load(&cpu->vcpu->context.fp);
    }
}

/** One more slice of @vcpu's RAM cleaned and invalidated; true when the sweep is complete. */
static bool clean_slice(struct hv_vcpu *vcpu)
{
    struct hv_vm *vm = vcpu->vm;
    uint64_t at = vcpu->arch.setway_cursor;
    uint64_t size = CLEAN_SLICE;
    void *slice = hv_guest_ram_at(vm, at, &size);

    if (slice != NULL) {
        hv_cache_clean_invalidate(slice, size);
    }
    vcpu->arch.setway_cursor = slice != NULL ? at + size : 0U;
    return slice == NULL;
}

static void set_hcr(struct hv_vcpu *vcpu, uint64_t hcr)
{
    vcpu->arch.hcr = hcr;
    write_hcr(vcpu);
}

bool hv_world_clean_step(struct hv_vcpu *vcpu)
{
    if ((vcpu->arch.hcr & HCR_TVM) != 0U) {
        return true; /* the sweep is behind us, and the caches have not changed state since */
    }
    if (!clean_slice(vcpu)) {
        return false;
    }
    set_hcr(vcpu, vcpu->arch.hcr | HCR_TVM);
    return true;
}

static void write_live(uint32_t offset, uint64_t value)
{
    switch (offset) {
    case offsetof(struct ash_vcpu_sys, sctlr_el1):
        hv_sysreg_write(sctlr_el1, value);
        break;
    case offsetof(struct ash_vcpu_sys, ttbr0_el1):
        hv_sysreg_write(ttbr0_el1, value);
        break;
    case offsetof(struct ash_vcpu_sys, ttbr1_el1):
        hv_sysreg_write(ttbr1_el1, value);
        break;
    case offsetof(struct ash_vcpu_sys, tcr_el1):
        hv_sysreg_write(tcr_el1, value);
        break;
    case offsetof(struct ash_vcpu_sys, esr_el1):
        hv_sysreg_write(esr_el1, value);
        break;
    case offsetof(struct ash_vcpu_sys, far_el1):
        hv_sysreg_write(far_el1, value);
        break;
    case offsetof(struct ash_vcpu_sys, afsr0_el1):
        hv_sysreg_write(afsr0_el1, value);
        break;
    case offsetof(struct ash_vcpu_sys, afsr1_el1):
        hv_sysreg_write(afsr1_el1, value);
        break;
    case offsetof(struct ash_vcpu_sys, mair_el1):
        hv_sysreg_write(mair_el1, value);
        break;
    case offsetof(struct ash_vcpu_sys, amair_el1):
        hv_sysreg_write(amair_el1, value);
        break;
    case offsetof(struct ash_vcpu_sys, contextidr_el1):
        hv_sysreg_write(contextidr_el1, value);
        break;
    default:
        break;
    }
}

bool hv_world_write_vm_register(struct hv_vcpu *vcpu, uint32_t offset, uint64_t value)
{
    if (offset == offsetof(struct ash_vcpu_sys, sctlr_el1)) {
        uint64_t old = hv_sysreg_read(sctlr_el1);

        if (((old ^ value) & SCTLR_C) != 0U && !clean_slice(vcpu)) {
            return false;
        }
        if ((value & SCTLR_C) != 0U) {
            set_hcr(vcpu, vcpu->arch.hcr & ~HCR_TVM);
        }
    }
    write_live(offset, value);
    return true;
}
