/* SPDX-License-Identifier: BSD-2-Clause */
/* The exits that a guest makes most, each with what most of them are and nothing else: an access with syndrome to an
 * emulated device, an SGI. ELR and SPSR stay in their registers, x19..x29 where they are (vectors.S). What is in any
 * way unusual is left to exit.c, before anything has changed. */
#include <libbase/bits.h>
#include <libvcpu/exit.h>
#include <libvcpu/sysreg.h>

#include "arch/aarch64/exit.h"
#include "arch/aarch64/interrupt.h"
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/virtual_interface.h"
#include "core/hv.h"

/* ESR_EL2 of a data abort (DDI 0487 D17.2). */
#define ESR_EC     ASH_MASK(31, 26)
#define ESR_IL     ASH_BIT(25)
#define ESR_ISV    ASH_BIT(24)
#define ESR_SSE    ASH_BIT(21)
#define ESR_AR     ASH_BIT(14)
#define ESR_FNV    ASH_BIT(10)
#define ESR_CM     ASH_BIT(8)
#define ESR_S1PTW  ASH_BIT(7)
#define ESR_WNR    ASH_BIT(6)
#define ESR_FSC    ASH_MASK(5, 2) /* without the level */
#define EC(code)   ((uint64_t)(code) << 26)
#define FSC_TRANSL UINT64_C(0x04)

/* A load or store of one register with its syndrome, not sign-extending, not ordered, where nothing is mapped. */
#define ACCESS_MASK (ESR_EC | ESR_IL | ESR_ISV | ESR_SSE | ESR_AR | ESR_FNV | ESR_CM | ESR_S1PTW | ESR_FSC)
#define ACCESS      (EC(ASH_VCPU_EC_DATA_ABORT) | ESR_IL | ESR_ISV | FSC_TRANSL)

/* MSR ICC_SGI1R_EL1: Op0, Op2, Op1, CRn, CRm, direction 0. */
#define SYSREG_MASK (ESR_EC | ESR_IL | ASH_MASK(21, 10) | ASH_MASK(4, 0))
#define SGI1R                                                                                                \
    (EC(ASH_VCPU_EC_SYSREG) | ESR_IL | (UINT64_C(3) << 20) | (UINT64_C(5) << 17) | (UINT64_C(12) << 10) |    \
     (UINT64_C(11) << 1))

#define SCTLR_ENDIAN (ASH_BIT(25) | ASH_BIT(24)) /* EE, E0E */

#define RT_XZR 31U

static uint64_t rt_of(uint64_t esr, unsigned lowest)
{
    return (esr >> lowest) & 31U;
}

static uint64_t read_register(const struct hv_vcpu *vcpu, uint64_t rt)
{
    /* A speculative read of x[31] would find the guest's own PC. */
    return rt == RT_XZR ? 0U : vcpu->context.x[rt];
}

/** On to the next instruction, with what is left to do before the guest goes on. @spsr has none of UNUSUAL. */
static int next_instruction(struct hv_cpu *cpu, const struct hv_vcpu *vcpu)
{
    hv_sysreg_write(elr_el2, hv_sysreg_read(elr_el2) + 4U);
    return (int)hv_exit_finish_quick(cpu, vcpu);
}

/* AArch32 moves its IT state, a single step ends with the instruction, and so does BTYPE. */
#define UNUSUAL (ASH_VCPU_PSTATE_AARCH32 | ASH_VCPU_PSTATE_SS | ASH_VCPU_PSTATE_BTYPE)

/** How many bytes an access of @esr has. */
static unsigned size_of(uint64_t esr)
{
    return 1U << ((esr >> 22) & 3U);
}

/** The bytes that an access of @esr has, of @value. */
static uint64_t sized(uint64_t value, uint64_t esr)
{
    unsigned above = (0U - (8U << ((esr >> 22) & 3U))) & 63U; /* 64 less the width in bits; 0 for 64 */

    return value << above >> above;
}

/** A device is not done: the guest runs its instruction again, for the next piece of work, when interrupts have had
 *  their turn. All else that fails has changed nothing: asked once more, the device says the same, or takes it by then.
 */
static __attribute__((noinline)) int not_done(struct hv_cpu *cpu, int error)
{
    return error == ASH_EBUSY ? (int)hv_exit_finish_quick(cpu, cpu->vcpu) : HV_EXIT_SLOW;
}

/* The two directions are functions of their own, which what comes before jumps to: each keeps what it needs over the
 * device's call, and no more. */
static __attribute__((noinline)) int fast_read(struct hv_cpu *cpu, uint64_t esr,
                                               const struct hv_mmio_region *region, uint64_t offset)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    uint64_t value;
    int error;

    error = hv_machine_access(cpu, vcpu, &vcpu->vm->machine, region, offset, size_of(esr), false, &value);
    if (__builtin_expect(error != ASH_OK, 0)) {
        return not_done(cpu, error);
    }
    if (rt_of(esr, 16) != RT_XZR) {
        vcpu->context.x[rt_of(esr, 16)] = value;
    }
    return next_instruction(cpu, vcpu);
}

static __attribute__((noinline)) int fast_write(struct hv_cpu *cpu, uint64_t esr,
                                                const struct hv_mmio_region *region, uint64_t offset)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    uint64_t value = sized(read_register(vcpu, rt_of(esr, 16)), esr);
    int error;

    error = hv_machine_access(cpu, vcpu, &vcpu->vm->machine, region, offset, size_of(esr), true, &value);
    if (__builtin_expect(error != ASH_OK, 0)) {
        return not_done(cpu, error);
    }
    return next_instruction(cpu, vcpu);
}

static int fast_access(struct hv_cpu *cpu, uint64_t esr, const struct hv_mmio_region *region, uint64_t ipa)
{
    uint64_t offset = ipa - region->base;

    return (esr & ESR_WNR) != 0U ? fast_write(cpu, esr, region, offset) : fast_read(cpu, esr, region, offset);
}

static __attribute__((noinline)) int search(struct hv_cpu *cpu, uint64_t esr, uint64_t ipa)
{
    const struct hv_mmio_region *region = hv_machine_region(&cpu->vcpu->vm->machine, ipa);

    return region == NULL ? HV_EXIT_SLOW : fast_access(cpu, esr, region, ipa);
}

int hv_exit_fast_abort(struct hv_cpu *cpu, uint64_t esr)
{
    const struct hv_mmio_region *region;
    uint64_t ipa = hv_sysreg_read(far_el2) & 0xfffU;

    if ((esr & ACCESS_MASK) != ACCESS || (hv_sysreg_read(spsr_el2) & UNUSUAL) != 0U ||
        (hv_sysreg_read(sctlr_el1) & SCTLR_ENDIAN) != 0U) {
        return HV_EXIT_SLOW;
    }
    /* FIPA [47:4] is IPA[55:12]; a translation fault fills it (D17.2, "HPFAR_EL2"). */
    ipa |= ash_field(hv_sysreg_read(hpfar_el2), 47, 4) << 12;
    region = hv_machine_likely_region(&cpu->vcpu->vm->machine, ipa);
    if (__builtin_expect(ipa - region->base >= region->size, 0)) {
        return search(cpu, esr, ipa);
    }
    return fast_access(cpu, esr, region, ipa);
}

/** An SGI of the vCPU to itself alone: into a list register. Everything else is the distributor's. */
static void send(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t value)
{
    struct hv_machine *machine = &vcpu->vm->machine;
    /* Target list [15:0] and affinity of this vCPU, IRM [40] 0: Aff0 is below 8 in our machines, the rest 0. */
    bool to_self = (value & ~ASH_MASK(27, 24)) == UINT64_C(1) << vcpu->index;
    uint32_t elrsr = 0;
    int lr = -1;

    if (to_self) {
        elrsr = hv_vif_read_elrsr();
    }
    hv_machine_lock(cpu, machine);
    if (to_self) {
        lr = ash_vgic_inject_fast(&vcpu->vgic, (uint32_t)ash_field(value, 27, 24), elrsr);
    }
    if (lr < 0) {
        ash_vgic_sgi(&machine->vgic, vcpu->index, value, ASH_VGIC_SGI1R);
    }
    hv_machine_unlock(machine);
    if (lr >= 0) {
        hv_vif_write_lr((unsigned)lr, vcpu->vgic.lrs.lr[lr]);
    }
}

int hv_exit_fast_sysreg(struct hv_cpu *cpu, uint64_t esr)
{
    struct hv_vcpu *vcpu = cpu->vcpu;

    if ((esr & SYSREG_MASK) != SGI1R || (hv_sysreg_read(spsr_el2) & UNUSUAL) != 0U) {
        return HV_EXIT_SLOW;
    }
    send(cpu, vcpu, read_register(vcpu, rt_of(esr, 5)));
    return next_instruction(cpu, vcpu);
}

int hv_exit_fast_smc(struct hv_cpu *cpu, uint64_t esr)
{
    struct hv_vcpu *vcpu = cpu->vcpu;

    /* SMC traps at the instruction: its PSTATE and PC are those before it. */
    if (ash_vcpu_esr_immediate(esr) != 0U || (hv_sysreg_read(spsr_el2) & UNUSUAL) != 0U ||
        !ash_vcpu_smccc_quick(&vcpu->vm->machine.psci, vcpu->context.x, ASH_VCPU_CONDUIT_SMC)) {
        return HV_EXIT_SLOW;
    }
    return next_instruction(cpu, vcpu);
}
