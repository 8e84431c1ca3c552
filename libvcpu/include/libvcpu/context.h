/* SPDX-License-Identifier: BSD-2-Clause */
/** A virtual CPU's registers as plain data.
 *
 *  The world switch stores x0..x30, PC and PSTATE into it on an exit; the EL1 registers and the FP registers stay in
 *  the hardware until the vCPU leaves the CPU, so `sys` and `fp` are stale while it runs (<libvcpu/el2.h>).
 *  Lock domain of everything here: the vCPU.
 *
 *  Manual: Arm ARM DDI 0487 (issue in docs/references.md), C5, D1, D17.
 */
#ifndef LIBVCPU_CONTEXT_H
#define LIBVCPU_CONTEXT_H

#include <libbase/bits.h>
#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/types.h>

#include <libvcpu/context_offsets.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct ash_vcpu_context.features: which groups of registers exist on this CPU *and* are shown to the guest. */
#define ASH_VCPU_FEATURE_PAUTH ASH_BIT(0) /* the five APxKey pairs are switched */
#define ASH_VCPU_FEATURE_AARCH32                                                                             \
    ASH_BIT(1) /* EL1 may be AArch32: the banked SPSRs, DACR, IFSR, FPEXC. Not yet */
/** The CPU has FEAT_RAS, shown to the guest or not: VDISR_EL2 is switched. Nothing traps DISR_EL1, which is VDISR_EL2
 *  in a guest (HCR_EL2.AMO), nor ESB, which writes it (DDI 0487 D17.2 "DISR_EL1"). */
#define ASH_VCPU_FEATURE_RAS ASH_BIT(2)

/** PSTATE as SPSR_EL2 holds it for AArch64 (DDI 0487 C5.2 "SPSR_EL2"). */
#define ASH_VCPU_PSTATE_N       ASH_BIT(31)
#define ASH_VCPU_PSTATE_Z       ASH_BIT(30)
#define ASH_VCPU_PSTATE_C       ASH_BIT(29)
#define ASH_VCPU_PSTATE_V       ASH_BIT(28)
#define ASH_VCPU_PSTATE_NZCV    ASH_MASK(31, 28)
#define ASH_VCPU_PSTATE_TCO     ASH_BIT(25)
#define ASH_VCPU_PSTATE_DIT     ASH_BIT(24)
#define ASH_VCPU_PSTATE_UAO     ASH_BIT(23)
#define ASH_VCPU_PSTATE_PAN     ASH_BIT(22)
#define ASH_VCPU_PSTATE_SS      ASH_BIT(21)
#define ASH_VCPU_PSTATE_IL      ASH_BIT(20)
#define ASH_VCPU_PSTATE_ALLINT  ASH_BIT(13)
#define ASH_VCPU_PSTATE_SSBS    ASH_BIT(12)
#define ASH_VCPU_PSTATE_BTYPE   ASH_MASK(11, 10)
#define ASH_VCPU_PSTATE_D       ASH_BIT(9)
#define ASH_VCPU_PSTATE_A       ASH_BIT(8)
#define ASH_VCPU_PSTATE_I       ASH_BIT(7)
#define ASH_VCPU_PSTATE_F       ASH_BIT(6)
#define ASH_VCPU_PSTATE_DAIF    ASH_MASK(9, 6)
#define ASH_VCPU_PSTATE_AARCH32 ASH_BIT(4) /* nRW */
#define ASH_VCPU_PSTATE_MODE    ASH_MASK(4, 0)
#define ASH_VCPU_PSTATE_EL0T    UINT64_C(0x0)
#define ASH_VCPU_PSTATE_EL1T    UINT64_C(0x4)
#define ASH_VCPU_PSTATE_EL1H    UINT64_C(0x5)

/** The same where the vCPU runs AArch32. */
#define ASH_VCPU_PSTATE32_SSBS ASH_BIT(23)
#define ASH_VCPU_PSTATE32_E    ASH_BIT(9)
#define ASH_VCPU_PSTATE32_T    ASH_BIT(5)

/** MPIDR_EL1 without its flags: Aff3 [39:32], Aff2..Aff0 [23:0]. What PSCI calls a target CPU. */
#define ASH_VCPU_MPIDR_AFFINITY (ASH_MASK(39, 32) | ASH_MASK(23, 0))
#define ASH_VCPU_MPIDR_RES1     ASH_BIT(31)

/** The registers of EL1 and EL0 that change hands when another vCPU is loaded. */
struct ash_vcpu_sys {
    uint64_t sp_el0;
    uint64_t sp_el1;
    uint64_t elr_el1;
    uint64_t spsr_el1;
    uint64_t esr_el1;
    uint64_t far_el1;
    uint64_t afsr0_el1;
    uint64_t afsr1_el1;
    uint64_t sctlr_el1;
    uint64_t actlr_el1; /* what the guest sees under HCR_EL2.TACR; never written to the hardware */
    uint64_t cpacr_el1;
    uint64_t ttbr0_el1;
    uint64_t ttbr1_el1;
    uint64_t tcr_el1;
    uint64_t mair_el1;
    uint64_t amair_el1;
    uint64_t vbar_el1;
    uint64_t contextidr_el1;
    uint64_t tpidr_el0;
    uint64_t tpidrro_el0;
    uint64_t tpidr_el1;
    uint64_t par_el1;
    uint64_t cntkctl_el1;
    uint64_t mdscr_el1;
    uint64_t csselr_el1;
    uint64_t vmpidr_el2;     /* what the guest reads as MPIDR_EL1 */
    uint64_t vpidr_el2;      /* what the guest reads as MIDR_EL1 */
    uint64_t pauth_keys[10]; /* APIA, APIB, APDA, APDB, APGA: Lo, Hi */
    uint64_t spsr_abt;       /* from here: only a guest whose EL1 is AArch32 */
    uint64_t spsr_und;
    uint64_t spsr_irq;
    uint64_t spsr_fiq;
    uint64_t dacr32_el2;
    uint64_t ifsr32_el2;
    uint64_t fpexc32_el2;
    uint64_t vdisr_el2;   /* ASH_VCPU_FEATURE_RAS: what the guest reads as DISR_EL1 */
    uint64_t reserved[3]; /* zero */
};

struct ash_vcpu_fp {
    ASH_ALIGNED(16) uint64_t v[32][2]; /* [n][0] is bits [63:0] of Vn */
    uint64_t fpcr;
    uint64_t fpsr;
};

struct ash_vcpu_context {
    uint64_t x[31];
    uint64_t pc;
    uint64_t pstate;
    uint64_t features; /* ASH_VCPU_FEATURE_*: the hypervisor's, a reset keeps it */
    struct ash_vcpu_sys sys;
    struct ash_vcpu_fp fp;
};

ASH_STATIC_ASSERT(offsetof(struct ash_vcpu_context, x) == ASH_VCPU_CTX_X0, "x0");
ASH_STATIC_ASSERT(offsetof(struct ash_vcpu_context, x) + sizeof(uint64_t) * 30 == ASH_VCPU_CTX_X30, "x30");
ASH_STATIC_ASSERT(offsetof(struct ash_vcpu_context, pc) == ASH_VCPU_CTX_PC, "pc");
ASH_STATIC_ASSERT(offsetof(struct ash_vcpu_context, pstate) == ASH_VCPU_CTX_PSTATE, "pstate");
ASH_STATIC_ASSERT(ASH_VCPU_CTX_PSTATE == ASH_VCPU_CTX_PC + 8, "pc and pstate are one pair");
ASH_STATIC_ASSERT(offsetof(struct ash_vcpu_context, features) == ASH_VCPU_CTX_FEATURES, "features");
ASH_STATIC_ASSERT(offsetof(struct ash_vcpu_context, sys) == ASH_VCPU_CTX_SYS, "sys");
ASH_STATIC_ASSERT(offsetof(struct ash_vcpu_context, fp) == ASH_VCPU_CTX_FP, "fp");
ASH_STATIC_ASSERT(ASH_VCPU_CTX_FP_V0 == ASH_VCPU_CTX_FP + ASH_VCPU_FP_V0, "v0");
ASH_STATIC_ASSERT(ASH_VCPU_CTX_FPCR == ASH_VCPU_CTX_FP + ASH_VCPU_FP_FPCR, "fpcr");
ASH_STATIC_ASSERT(ASH_VCPU_CTX_FPSR == ASH_VCPU_CTX_FP + ASH_VCPU_FP_FPSR, "fpsr");
ASH_STATIC_ASSERT(offsetof(struct ash_vcpu_fp, v) == ASH_VCPU_FP_V0, "fp.v");
ASH_STATIC_ASSERT(offsetof(struct ash_vcpu_fp, fpcr) == ASH_VCPU_FP_FPCR, "fp.fpcr");
ASH_STATIC_ASSERT(offsetof(struct ash_vcpu_fp, fpsr) == ASH_VCPU_FP_FPSR, "fp.fpsr");
ASH_STATIC_ASSERT(sizeof(struct ash_vcpu_context) == ASH_VCPU_CTX_SIZE, "size");
ASH_STATIC_ASSERT(ASH_VCPU_CTX_SIZE % 16 == 0,
                  "SP points at a context while its guest runs: 16-byte aligned");

/** A CPU that comes out of reset at @entry, in EL1h with D, A, I, F masked, MMU and caches off, x0 = @x0 and x1..x30
 *  zero. Every other register gets its architectural reset value, and zero where that is UNKNOWN, so that nothing
 *  of an earlier owner is left. `features` stays.
 *  entry: with the MMU off an IPA. midr: what MIDR_EL1 reads. mpidr: affinity; MPIDR_EL1 reads it with bit 31 (RES1)
 *  set and U and MT clear; other bits are dropped.
 *  Manual: DDI 0487 D1.10 "Reset"; PSCI DEN0022 6.4 "Initial core configuration". */
void ash_vcpu_context_reset(struct ash_vcpu_context *ctx, ash_ipa_t entry, uint64_t x0, uint64_t midr,
                            uint64_t mpidr);

/** Rt of a trapped instruction in AArch64: register 31 reads as zero and ignores writes. @rt is taken modulo 32. */
uint64_t ash_vcpu_reg_read(const struct ash_vcpu_context *ctx, unsigned rt);
void ash_vcpu_reg_write(struct ash_vcpu_context *ctx, unsigned rt, uint64_t value);

/** Are the data accesses of a guest in @pstate big-endian? PSTATE.E in AArch32, SCTLR_EL1.E0E in EL0, SCTLR_EL1.EE in
 *  EL1. sctlr_el1: the live one. DDI 0487 B2.6.2 "Data endianness". */
bool ash_vcpu_is_big_endian(uint64_t pstate, uint64_t sctlr_el1);

#ifdef __cplusplus
}
#endif

#endif
