/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/exit_access.h"

#include <libbase/errors.h>
#include <libvcpu/el2.h>
#include <libvcpu/exit.h>
#include <libvcpu/inject.h>
#include <libvcpu/instruction.h>
#include <libvcpu/mmio.h>

#include "arch/aarch64/cache.h"
#include "arch/aarch64/sysreg.h"
#include "core/guest_memory.h"
#include "core/hv.h"

#define PAGE_OFFSET UINT64_C(0xfff)

static bool is_big_endian(const struct hv_vcpu *vcpu)
{
    return ash_vcpu_is_big_endian(vcpu->context.pstate, ash_vcpu_el2_sctlr());
}

/** One access of a device register. */
static enum hv_access_end touch(struct hv_cpu *cpu, uint64_t ipa, unsigned size, bool write, uint64_t *value,
                                uint32_t *fsc)
{
    const struct hv_mmio_region *region = hv_machine_region(&cpu->vcpu->vm->machine, ipa);
    int error = ASH_ENOENT;

    if (region != NULL) {
        error = hv_machine_access(cpu, cpu->vcpu, &cpu->vcpu->vm->machine, region, ipa - region->base, size,
                                  write, value);
    }
    if (error == ASH_EBUSY) {
        return HV_ACCESS_AGAIN;
    }
    *fsc = ASH_VCPU_ISS_FSC_EXTERNAL;
    return error == ASH_OK ? HV_ACCESS_DONE : HV_ACCESS_ABORT;
}

/** The guest's ordered access, which is done in its stead: a release waits for what came before it, an acquire holds
 *  back what comes behind it (DDI 0487 B2.3.11). Once before, once after it. */
static void order(bool acquire_release)
{
    if (acquire_release) {
        hv_dmb(ish);
    }
}

/* ---- By the syndrome --------------------------------------------------------------------------------------------- */

static enum hv_access_end by_syndrome(struct hv_cpu *cpu, const struct hv_access *access,
                                      const struct ash_vcpu_mmio *mmio, uint32_t *fsc)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    bool big_endian = is_big_endian(vcpu);
    enum hv_access_end end;
    uint64_t value = 0;

    if (mmio->write) {
        value = ash_vcpu_mmio_write_value(&vcpu->context, mmio, big_endian);
    }
    order(mmio->acquire_release);
    end = touch(cpu, access->ipa, mmio->size, mmio->write, &value, fsc);
    order(mmio->acquire_release);
    if (end == HV_ACCESS_DONE && !mmio->write) {
        ash_vcpu_mmio_complete_read(&vcpu->context, mmio, value, big_endian);
    }
    return end;
}

/* ---- By the instruction ------------------------------------------------------------------------------------------ */

bool hv_access_read_instruction(struct hv_vcpu *vcpu, uint64_t va, uint32_t *word)
{
    const uint32_t *at;
    uint64_t par;
    ash_ipa_t ipa;

    /* EL0 shares EL1's translation; AT S1E1R reads what EL0 may only execute, too. */
    ash_vcpu_el2_translate(va, false, false, &par);
    if (ash_vcpu_par_ipa(par, va, &ipa) != ASH_OK) {
        return false;
    }
    at = (const uint32_t *)hv_guest_map(vcpu->vm, ipa, sizeof(*at));
    if (at == NULL || (ipa.value & 3U) != 0U) {
        return false;
    }
    /* The guest may have written it with its caches off, past a line that hv's speculation left here. */
    hv_cache_clean_invalidate(at, sizeof(*at));
    *word = *(const volatile uint32_t *)at; /* once: another vCPU may write it */
    return true;
}

static uint64_t stack_pointer(const struct hv_vcpu *vcpu)
{
    return (vcpu->context.pstate & ASH_VCPU_PSTATE_MODE) == ASH_VCPU_PSTATE_EL1H ? hv_sysreg_read(sp_el1)
                                                                                 : hv_sysreg_read(sp_el0);
}

static void set_stack_pointer(const struct hv_vcpu *vcpu, uint64_t sp)
{
    if ((vcpu->context.pstate & ASH_VCPU_PSTATE_MODE) == ASH_VCPU_PSTATE_EL1H) {
        hv_sysreg_write(sp_el1, sp);
    } else {
        hv_sysreg_write(sp_el0, sp);
    }
}

/** Every piece, or none that a guest could tell: a load's registers are written only when the last one is done. */
static enum hv_access_end transfer(struct hv_cpu *cpu, const struct hv_access *access,
                                   const struct ash_vcpu_instruction *instruction, uint32_t *fsc)
{
    struct ash_vcpu_context *ctx = &cpu->vcpu->context;
    bool big_endian = is_big_endian(cpu->vcpu);
    uint64_t sp = stack_pointer(cpu->vcpu);
    enum hv_access_end end = HV_ACCESS_DONE;
    struct ash_vcpu_transfer t;
    uint64_t ipa;

    if (instruction->vector) {
        ash_vcpu_el2_fp_save(&ctx->fp);
    }
    ash_vcpu_transfer_begin(instruction, ctx, sp, big_endian, &t);
    if (!ash_vcpu_transfer_covers(&t, access->far)) {
        return HV_ACCESS_AGAIN; /* not the instruction that faulted */
    }
    if (!ash_vcpu_transfer_is_aligned(&t) || !ash_vcpu_transfer_is_in_one_page(&t)) {
        *fsc = ash_vcpu_transfer_is_aligned(&t) ? ASH_VCPU_ISS_FSC_EXTERNAL : ASH_VCPU_ISS_FSC_ALIGNMENT;
        return HV_ACCESS_ABORT;
    }
    ipa = (access->ipa & ~PAGE_OFFSET) | (t.address & PAGE_OFFSET);
    order(instruction->acquire_release);
    for (unsigned n = 0; n < t.count && end == HV_ACCESS_DONE; n++) {
        end = touch(cpu, ipa + (uint64_t)n * t.size, t.size, instruction->write, &t.value[n], fsc);
    }
    order(instruction->acquire_release);
    if (end == HV_ACCESS_DONE) {
        ash_vcpu_transfer_finish(instruction, &t, ctx, &sp, big_endian);
        set_stack_pointer(cpu->vcpu, sp);
        if (instruction->vector && !instruction->write) {
            ash_vcpu_el2_fp_load(&ctx->fp);
        }
    }
    return end;
}

static enum hv_access_end by_instruction(struct hv_cpu *cpu, const struct hv_access *access, uint32_t *fsc)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    struct ash_vcpu_instruction instruction;
    uint32_t word;

    *fsc = ASH_VCPU_ISS_FSC_EXTERNAL;
    if ((vcpu->context.pstate & ASH_VCPU_PSTATE_AARCH32) != 0U) {
        return HV_ACCESS_ABORT; /* A32 and T32 are not decoded */
    }
    if (!hv_access_read_instruction(vcpu, vcpu->context.pc, &word)) {
        return HV_ACCESS_AGAIN; /* the guest has changed its tables since the fault */
    }
    ash_vcpu_instruction_decode(word, &instruction);
    switch (instruction.kind) {
    case ASH_VCPU_INSTRUCTION_ACCESS:
        return transfer(cpu, access, &instruction, fsc);
    case ASH_VCPU_INSTRUCTION_PREFETCH:
    case ASH_VCPU_INSTRUCTION_CACHE:
        return HV_ACCESS_DONE;
    case ASH_VCPU_INSTRUCTION_ZERO:
        *fsc = ASH_VCPU_ISS_FSC_ALIGNMENT;
        return HV_ACCESS_ABORT;
    case ASH_VCPU_INSTRUCTION_ATOMIC:
        *fsc = ASH_VCPU_ISS_FSC_EXCLUSIVE;
        return HV_ACCESS_ABORT;
    case ASH_VCPU_INSTRUCTION_OTHER:
    case ASH_VCPU_INSTRUCTION_NOT_EMULATED:
    default:
        return HV_ACCESS_ABORT;
    }
}

enum hv_access_end hv_access_emulate(struct hv_cpu *cpu, const struct hv_access *access, uint32_t *fsc)
{
    struct ash_vcpu_mmio mmio;

    if (ash_vcpu_mmio_decode(access->esr, &mmio) == ASH_OK) {
        return by_syndrome(cpu, access, &mmio, fsc);
    }
    return by_instruction(cpu, access, fsc);
}
