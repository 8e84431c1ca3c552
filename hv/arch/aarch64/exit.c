/* SPDX-License-Identifier: BSD-2-Clause */
/* What brings a guest to EL2, by exception class. Every path ends in a verdict: resume it, with an exception of its own
 * where the architecture says so, or stop its VM. None ends hv. */
#include "arch/aarch64/exit.h"

#include <libbase/bits.h>
#include <libvcpu/el2.h>
#include <libvcpu/exit.h>
#include <libvcpu/inject.h>
#include <libvcpu/sysreg.h>

#include "arch/aarch64/exit_access.h"
#include "arch/aarch64/interrupt.h"
#include "arch/aarch64/policy.h"
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/world.h"
#include "arch/arch.h"
#include "core/hv.h"
#include "glue/firmware.h"

typedef enum hv_verdict exit_handler(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t esr);

/* ---- Exceptions handed to the guest ------------------------------------------------------------------------------ */

static enum hv_verdict inject(struct hv_vcpu *vcpu, const struct ash_vcpu_exception *exception)
{
    if (ash_vcpu_el2_inject(&vcpu->context, exception, hv_world_pstate_features()) != ASH_OK) {
        hv_exit_report(vcpu, "has no exception level to take an exception");
        hv_vm_stop(vcpu->vm, HV_END_FAULT);
        return HV_LEAVE;
    }
    return HV_RESUME;
}

static enum hv_verdict inject_undef(struct hv_vcpu *vcpu, uint64_t esr)
{
    const struct ash_vcpu_exception undef = {.kind = ASH_VCPU_EXCEPTION_UNDEF};

    ash_vcpu_retry(&vcpu->context, esr);
    return inject(vcpu, &undef);
}

static enum hv_verdict inject_abort(struct hv_vcpu *vcpu, const struct ash_vcpu_fault *fault, uint64_t far,
                                    uint32_t fsc)
{
    const struct ash_vcpu_exception abort = {
        .kind = fault->instruction ? ASH_VCPU_EXCEPTION_INSTRUCTION_ABORT : ASH_VCPU_EXCEPTION_DATA_ABORT,
        .iss = fsc | (fault->far_valid ? 0U : ASH_VCPU_ISS_FNV) |
               (!fault->instruction && fault->write ? ASH_VCPU_ISS_WNR : 0U),
        .far = far,
    };

    return inject(vcpu, &abort);
}

static enum hv_verdict inject_external_abort(struct hv_vcpu *vcpu, const struct ash_vcpu_fault *fault,
                                             uint64_t far)
{
    return inject_abort(vcpu, fault, far, ASH_VCPU_ISS_FSC_EXTERNAL);
}

/* ---- Calls ------------------------------------------------------------------------------------------------------- */

static __attribute__((noinline)) enum hv_verdict call(struct hv_cpu *cpu)
{
    uint64_t esr = hv_sysreg_read(esr_el2);
    unsigned immediate = ash_vcpu_esr_immediate(esr);
    enum hv_verdict verdict;

    hv_record_at(cpu->recorder, hv_sysreg_read(cntpct_el0), HV_EVENT_EXIT, (uint32_t)esr,
                 cpu->vcpu->context.x[0]);
    verdict = hv_firmware_call(cpu, cpu->vcpu, ASH_VCPU_CONDUIT_HVC, (uint16_t)immediate);

    return verdict == HV_RESUME ? hv_exit_finish_quick(cpu, cpu->vcpu) : verdict;
}

enum hv_verdict hv_exit_hvc(struct hv_cpu *cpu, uint64_t esr)
{
    if (ash_vcpu_esr_immediate(esr) != 0U ||
        !ash_vcpu_smccc_quick(&cpu->vcpu->vm->machine.psci, cpu->vcpu->context.x, ASH_VCPU_CONDUIT_HVC)) {
        /* Read again, rather than kept over the call above in a register that would have to be saved for it. */
        return call((struct hv_cpu *)(uintptr_t)hv_sysreg_read(tpidr_el2));
    }
    cpu = (struct hv_cpu *)(uintptr_t)hv_sysreg_read(tpidr_el2);
    return hv_exit_finish_quick(cpu, cpu->vcpu);
}

static enum hv_verdict exit_smc(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t esr)
{
    ash_vcpu_skip(&vcpu->context, esr); /* SMC traps at the instruction */
    return hv_firmware_call(cpu, vcpu, ASH_VCPU_CONDUIT_SMC, ash_vcpu_esr_immediate(esr));
}

/* ---- System registers -------------------------------------------------------------------------------------------- */

static void send_sgi(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t value,
                     enum ash_vgic_sgi_register which)
{
    struct hv_machine *machine = &vcpu->vm->machine;

    hv_machine_lock(cpu, machine);
    ash_vgic_sgi(&machine->vgic, vcpu->index, value, which);
    hv_machine_unlock(machine);
}

static enum hv_verdict exit_sysreg(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t esr)
{
    struct ash_vcpu_sysreg_access access;
    uint64_t value;

    ash_vcpu_sysreg_decode(esr, &access);
    value = ash_vcpu_reg_read(&vcpu->context, access.rt);
    switch ((enum ash_vcpu_sysreg_kind)access.reg->kind) {
    case ASH_VCPU_SYSREG_SGI1R:
        send_sgi(cpu, vcpu, value, ASH_VGIC_SGI1R);
        break;
    case ASH_VCPU_SYSREG_ASGI1R:
        send_sgi(cpu, vcpu, value, ASH_VGIC_ASGI1R);
        break;
    case ASH_VCPU_SYSREG_SGI0R:
        send_sgi(cpu, vcpu, value, ASH_VGIC_SGI0R);
        break;
    case ASH_VCPU_SYSREG_SET_WAY:
        if (!hv_world_clean_step(vcpu)) {
            return HV_RESUME; /* the same instruction again: interrupts are taken in between */
        }
        break;
    case ASH_VCPU_SYSREG_VM:
        if (!hv_world_write_vm_register(vcpu, access.reg->value, value)) {
            return HV_RESUME; /* likewise */
        }
        break;
    case ASH_VCPU_SYSREG_ID:
    case ASH_VCPU_SYSREG_REVIDR:
    case ASH_VCPU_SYSREG_AIDR:
    case ASH_VCPU_SYSREG_ACTLR:
    case ASH_VCPU_SYSREG_CONST:
        if (ash_vcpu_sysreg_emulate(&vcpu->context, &vcpu->vm->machine.id, &access) != ASH_OK) {
            return inject_undef(vcpu, esr);
        }
        break;
    case ASH_VCPU_SYSREG_TIMER: /* not trapped: CNTHCTL_EL2 gives the guest both timers */
    case ASH_VCPU_SYSREG_UNDEF:
    default:
        return inject_undef(vcpu, esr);
    }
    ash_vcpu_skip(&vcpu->context, esr);
    return HV_RESUME;
}

/* ---- Aborts ------------------------------------------------------------------------------------------------------ */

/** The IPA of a stage-2 fault. ASH_EGUEST: the guest has changed its tables since; it tries again. */
static int fault_ipa(struct hv_vcpu *vcpu, const struct ash_vcpu_fault *fault, uint64_t esr, uint64_t far,
                     ash_ipa_t *ipa)
{
    uint64_t par;

    if (fault->hpfar_valid) {
        return ash_vcpu_fault_ipa(esr, far, hv_sysreg_read(hpfar_el2), ipa);
    }
    /* A permission fault leaves HPFAR_EL2 UNKNOWN (DDI 0487 D17.2, "HPFAR_EL2"): translate by hand. */
    ash_vcpu_el2_translate(far, fault->write,
                           (vcpu->context.pstate & ASH_VCPU_PSTATE_MODE) == ASH_VCPU_PSTATE_EL0T, &par);
    return ash_vcpu_par_ipa(par, far, ipa);
}

static enum hv_verdict emulate(struct hv_cpu *cpu, struct hv_vcpu *vcpu, const struct hv_access *access,
                               const struct ash_vcpu_fault *fault)
{
    uint32_t fsc = ASH_VCPU_ISS_FSC_EXTERNAL;

    switch (hv_access_emulate(cpu, access, &fsc)) {
    case HV_ACCESS_DONE:
        ash_vcpu_skip(&vcpu->context, access->esr);
        return HV_RESUME;
    case HV_ACCESS_AGAIN:
        return HV_RESUME;
    case HV_ACCESS_ABORT:
    default:
        break;
    }
    if (!fault->valid_syndrome) {
        hv_vm_report(vcpu->vm,
                     "vCPU %u: cannot emulate the access to %s at IPA 0x%lx, pc 0x%lx: data abort 0x%x",
                     vcpu->index, access->region->name, access->ipa, vcpu->context.pc, fsc);
    }
    return inject_abort(vcpu, fault, access->far, fsc);
}

/** Does the guest fetch its own exception vector in vain? Then it could never handle what it would be given. */
static bool is_vector_fetch(const struct hv_vcpu *vcpu, const struct ash_vcpu_fault *fault)
{
    uint64_t vbar = hv_sysreg_read(vbar_el1);
    bool at_el1 = (vcpu->context.pstate & ASH_VCPU_PSTATE_MODE) != ASH_VCPU_PSTATE_EL0T;

    return fault->instruction && at_el1 && vcpu->context.pc - vbar < 0x800U;
}

static enum hv_verdict nothing_there(struct hv_vcpu *vcpu, uint64_t esr, const struct ash_vcpu_fault *fault,
                                     uint64_t far, uint64_t ipa)
{
    if (is_vector_fetch(vcpu, fault)) {
        hv_exit_report_abort(vcpu, "cannot fetch its own exception vector", esr, far, ipa);
        hv_vm_stop(vcpu->vm, HV_END_FAULT);
        return HV_LEAVE;
    }
    hv_vm_report(vcpu->vm, "vCPU %u: %s at IPA 0x%lx, %s; pc 0x%lx: external abort", vcpu->index,
                 fault->instruction ? "fetch" : (fault->write ? "write" : "read"), ipa,
                 fault->kind == ASH_VCPU_FAULT_PERMISSION ? "which stage 2 forbids" : "where nothing is",
                 vcpu->context.pc);
    return inject_external_abort(vcpu, fault, far);
}

static uint32_t wanted_right(const struct ash_vcpu_fault *fault)
{
    uint32_t walk = fault->s1ptw ? ASH_STAGE2_WALK : 0U;

    if (fault->write) {
        return ASH_STAGE2_WRITE | walk; /* of a walk: a hardware update of the guest's descriptor */
    }
    return (fault->instruction && !fault->s1ptw ? ASH_STAGE2_EXEC : ASH_STAGE2_READ) | walk;
}

/** Is a stage-2 fault at @ipa over by now (another CPU's break-before-make)? Judged under the table's lock. */
static bool is_spurious(struct hv_vcpu *vcpu, const struct ash_vcpu_fault *fault, ash_ipa_t ipa)
{
    struct hv_vm *vm = vcpu->vm;
    int judged;

    hv_lock(&vm->lock);
    judged = ash_stage2_check_fault(&vm->machine.stage2, ipa, wanted_right(fault));
    hv_unlock(&vm->lock);
    return judged == ASH_OK;
}

static enum hv_verdict exit_abort(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t esr)
{
    uint64_t far = hv_sysreg_read(far_el2);
    const struct hv_mmio_region *region;
    struct ash_vcpu_fault fault;
    ash_ipa_t ipa;

    ash_vcpu_fault_decode(esr, &fault);
    if (fault.instruction) {
        hv_account_exit(&vcpu->account, HV_EXIT_FETCH); /* the others were counted by the vector */
    }
    if (fault.kind != ASH_VCPU_FAULT_TRANSLATION && fault.kind != ASH_VCPU_FAULT_PERMISSION &&
        fault.kind != ASH_VCPU_FAULT_ACCESS_FLAG && fault.kind != ASH_VCPU_FAULT_ADDRESS_SIZE) {
        hv_vm_report(vcpu->vm,
                     "vCPU %u: abort that stage 2 did not make, esr 0x%lx, pc 0x%lx: external abort",
                     vcpu->index, esr, vcpu->context.pc);
        return inject_external_abort(vcpu, &fault, far);
    }
    if (fault_ipa(vcpu, &fault, esr, far, &ipa) != ASH_OK) {
        return HV_RESUME;
    }
    region = hv_machine_region(&vcpu->vm->machine, ipa.value);
    if (region != NULL && !fault.instruction && !fault.s1ptw && !fault.cache_maintenance) {
        const struct hv_access access = {.esr = esr, .far = far, .ipa = ipa.value, .region = region};

        return emulate(cpu, vcpu, &access, &fault);
    }
    if (is_spurious(vcpu, &fault, ipa)) {
        return HV_RESUME;
    }
    if (fault.cache_maintenance && !fault.s1ptw) {
        ash_vcpu_skip(&vcpu->context, esr); /* no data moves, and nothing that a cache could hold is there */
        return HV_RESUME;
    }
    return nothing_there(vcpu, esr, &fault, far, ipa.value);
}

/* ---- The rest ---------------------------------------------------------------------------------------------------- */

static enum hv_verdict exit_wfx(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t esr)
{
    enum ash_vcpu_wfx which = ash_vcpu_esr_wfx(esr);

    hv_account_exit(&vcpu->account, HV_EXIT_WFX);
    ash_vcpu_skip(&vcpu->context, esr);
    /* Trapped where vCPUs share a CPU. One with a time limit may end early (DDI 0487 D1.6.2). */
    if (which == ASH_VCPU_WFE && vcpu->vm->machine.bcm != NULL) {
        return hv_sched_yield(cpu);
    }
    return which == ASH_VCPU_WFI ? hv_sched_wait(cpu) : HV_RESUME;
}

static enum hv_verdict exit_undef(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t esr)
{
    (void)cpu;
    hv_account_exit(&vcpu->account, HV_EXIT_UNDEF);
    return inject_undef(vcpu, esr);
}

static enum hv_verdict exit_stop(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t esr)
{
    (void)cpu;
    hv_account_exit(&vcpu->account, HV_EXIT_OTHER);
    hv_exit_report_abort(vcpu, ash_vcpu_ec_info(esr)->name, esr, hv_sysreg_read(far_el2), 0);
    hv_vm_stop(vcpu->vm, HV_END_FAULT);
    return HV_LEAVE;
}

static exit_handler *const handlers[] = {
    [ASH_VCPU_EXIT_UNEXPECTED] = exit_stop,
    [ASH_VCPU_EXIT_UNDEF] = exit_undef,
    [ASH_VCPU_EXIT_WFX] = exit_wfx,
    [ASH_VCPU_EXIT_HVC] = exit_stop, /* has its own vector path; an HVC from AArch32 cannot be */
    [ASH_VCPU_EXIT_SMC] = exit_smc,
    [ASH_VCPU_EXIT_SYSREG] = exit_sysreg,
    [ASH_VCPU_EXIT_COPROCESSOR] = exit_undef,
    [ASH_VCPU_EXIT_FP] = exit_undef, /* CPTR_EL2.TFP is 0: only what lies beyond FP, SVE, traps */
    [ASH_VCPU_EXIT_DATA_ABORT] = exit_abort,
    [ASH_VCPU_EXIT_INSTRUCTION_ABORT] = exit_abort,
    [ASH_VCPU_EXIT_SERROR] = exit_stop,
    [ASH_VCPU_EXIT_DEBUG] = exit_stop,
};

static enum hv_verdict handle(struct hv_cpu *cpu, uint64_t esr)
{
    struct ash_vcpu_context *ctx = &cpu->vcpu->context;

    if ((ctx->pstate & ASH_VCPU_PSTATE_AARCH32) != 0U && !ash_vcpu_condition_holds(esr, ctx->pstate)) {
        ash_vcpu_skip(ctx, esr); /* AArch32: trapped, and would not have been executed */
        return HV_RESUME;
    }
    return handlers[ash_vcpu_ec_info(esr)->exit](cpu, cpu->vcpu, esr);
}

enum hv_verdict hv_exit_sync(struct hv_cpu *cpu, uint64_t esr)
{
    enum hv_verdict verdict;

    hv_record_at(cpu->recorder, hv_sysreg_read(cntpct_el0), HV_EVENT_EXIT, (uint32_t)esr,
                 cpu->vcpu->context.pc);
    verdict = handle(cpu, esr);

    return verdict == HV_RESUME ? hv_exit_finish(cpu) : verdict;
}

enum hv_verdict hv_exit_serror(struct hv_cpu *cpu, uint64_t esr)
{
    struct hv_vcpu *vcpu = cpu->vcpu;

    hv_account_exit(&vcpu->account, HV_EXIT_SERROR);
    /* Once, as the virtual SError the guest would have got (HCR_EL2.VSE); a guest that goes on causing them is
     * stopped. */
    if ((vcpu->arch.hcr & HCR_VSE) != 0U) {
        hv_exit_report_abort(vcpu, "SError again", esr, hv_sysreg_read(far_el2), 0);
        hv_vm_stop(vcpu->vm, HV_END_FAULT);
        return HV_LEAVE;
    }
    hv_vm_report(vcpu->vm, "vCPU %u: SError, esr 0x%lx, pc 0x%lx: handed to the guest", vcpu->index, esr,
                 vcpu->context.pc);
    hv_world_raise_serror(vcpu);
    return hv_exit_finish(cpu);
}

enum hv_verdict hv_exit_unexpected(struct hv_cpu *cpu, uint64_t esr)
{
    return exit_stop(cpu, cpu->vcpu, esr);
}
