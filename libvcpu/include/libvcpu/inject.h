/* SPDX-License-Identifier: BSD-2-Clause */
/** Taking an exception to EL1 on a guest's behalf, exactly as its CPU would: a pure computation.
 *  Manual: Arm ARM DDI 0487, J1.1 AArch64.TakeException(), AArch64.ReportException(); D1.3. */
#ifndef LIBVCPU_INJECT_H
#define LIBVCPU_INJECT_H

#include <libvcpu/context.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ash_vcpu_exception_kind {
    ASH_VCPU_EXCEPTION_UNDEF,             /* EC 0x00; iss and far do not matter */
    ASH_VCPU_EXCEPTION_INSTRUCTION_ABORT, /* EC 0x20 or 0x21 */
    ASH_VCPU_EXCEPTION_DATA_ABORT,        /* EC 0x24 or 0x25 */
    ASH_VCPU_EXCEPTION_PC_ALIGNMENT,      /* EC 0x22; iss does not matter */
    ASH_VCPU_EXCEPTION_SERROR             /* EC 0x2f; far does not matter */
};

/** ISS fields and values that an injected abort needs. */
#define ASH_VCPU_ISS_FSC_EXTERNAL    UINT32_C(0x10) /* synchronous external abort, not on a walk */
#define ASH_VCPU_ISS_FSC_TRANSLATION UINT32_C(0x04) /* + level 0..3 */
#define ASH_VCPU_ISS_FSC_PERMISSION  UINT32_C(0x0c) /* + level 1..3 */
#define ASH_VCPU_ISS_FSC_ALIGNMENT   UINT32_C(0x21)
#define ASH_VCPU_ISS_FSC_EXCLUSIVE   UINT32_C(0x35)  /* unsupported exclusive or atomic access */
#define ASH_VCPU_ISS_WNR             UINT32_C(0x40)  /* data aborts */
#define ASH_VCPU_ISS_CM              UINT32_C(0x100) /* data aborts */
#define ASH_VCPU_ISS_EA              UINT32_C(0x200)
#define ASH_VCPU_ISS_FNV             UINT32_C(0x400)     /* FAR_EL1 is not written */
#define ASH_VCPU_ISS_IDS             UINT32_C(0x1000000) /* SError: the rest is IMPLEMENTATION DEFINED */

struct ash_vcpu_exception {
    enum ash_vcpu_exception_kind kind;
    uint32_t
        iss; /* 25 bits; of a data abort the syndrome of stage 2 (ISV, SAS…AR) is dropped: EL1 never gets one */
    uint64_t far; /* aborts without FNV, and PC_ALIGNMENT */
};

/** What PSTATE has, by the ID registers *of the hardware*: a hidden feature's bit still follows the rule. */
struct ash_vcpu_pstate_features {
    bool pan;  /* ID_AA64MMFR1_EL1.PAN */
    bool uao;  /* ID_AA64MMFR2_EL1.UAO */
    bool ssbs; /* ID_AA64PFR1_EL1.SSBS */
    bool mte;  /* ID_AA64PFR1_EL1.MTE >= 2 (PSTATE.TCO exists from FEAT_MTE on) */
    bool nmi;  /* ID_AA64PFR1_EL1.NMI (PSTATE.ALLINT) */
};

/** The features from the raw ID registers. */
void ash_vcpu_pstate_features(uint64_t id_aa64pfr1, uint64_t id_aa64mmfr1, uint64_t id_aa64mmfr2,
                              struct ash_vcpu_pstate_features *features);

/** The part of a CPU that an exception to EL1 reads and writes. */
struct ash_vcpu_exception_state {
    uint64_t pc;        /* in: the preferred return address. out: the vector */
    uint64_t pstate;    /* as SPSR_EL2 */
    uint64_t sctlr_el1; /* in only, the live ones */
    uint64_t vbar_el1;
    uint64_t esr_el1; /* out */
    uint64_t elr_el1;
    uint64_t spsr_el1;
    uint64_t far_el1; /* out where the kind writes it, else unchanged */
};

/** Take @exception. EL1 is AArch64; EL0 may be AArch32.
 *  pc: that of the instruction that faults (ash_vcpu_retry() after an HVC).
 *  Returns ASH_OK; ASH_EINVAL (no such kind, iss wider than 25 bits, or PSTATE is neither EL0 nor EL1t nor EL1h nor
 *  AArch32 EL0); ASH_EBUSY (an SError while PSTATE.A masks it: pend it with HCR_EL2.VSE). Then nothing changed. */
int ash_vcpu_exception_take(struct ash_vcpu_exception_state *state,
                            const struct ash_vcpu_exception *exception,
                            const struct ash_vcpu_pstate_features *features) ASH_NODISCARD;

/** The same on a saved context (the vCPU is not loaded). For one that is loaded: ash_vcpu_el2_inject(). */
int ash_vcpu_context_inject(struct ash_vcpu_context *ctx, const struct ash_vcpu_exception *exception,
                            const struct ash_vcpu_pstate_features *features) ASH_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
