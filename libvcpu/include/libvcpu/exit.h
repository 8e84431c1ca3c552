/* SPDX-License-Identifier: BSD-2-Clause */
/** Why a guest came to EL2: ESR_EL2, FAR_EL2 and HPFAR_EL2 decoded. Pure functions, total over every value.
 *  Manual: Arm ARM DDI 0487, D17.2 "ESR_EL2", D17.2 "HPFAR_EL2", D1.5 (routing). */
#ifndef LIBVCPU_EXIT_H
#define LIBVCPU_EXIT_H

#include <libvcpu/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/** ESR_EL2.EC, bits [31:26]. Values that are not listed are reserved. */
enum ash_vcpu_ec {
    ASH_VCPU_EC_UNKNOWN = 0x00,
    ASH_VCPU_EC_WFX = 0x01, /* WFI, WFE, WFIT, WFET */
    ASH_VCPU_EC_CP15_MCR = 0x03,
    ASH_VCPU_EC_CP15_MCRR = 0x04,
    ASH_VCPU_EC_CP14_MCR = 0x05,
    ASH_VCPU_EC_CP14_LDC = 0x06,
    ASH_VCPU_EC_FP = 0x07, /* FP, Advanced SIMD (and SVE by CPACR) */
    ASH_VCPU_EC_VMRS = 0x08,
    ASH_VCPU_EC_PAUTH = 0x09,
    ASH_VCPU_EC_LS64 = 0x0a,
    ASH_VCPU_EC_CP14_MRRC = 0x0c,
    ASH_VCPU_EC_BTI = 0x0d,
    ASH_VCPU_EC_ILLEGAL_STATE = 0x0e,
    ASH_VCPU_EC_SVC32 = 0x11,
    ASH_VCPU_EC_HVC32 = 0x12,
    ASH_VCPU_EC_SMC32 = 0x13,
    ASH_VCPU_EC_SVC64 = 0x15,
    ASH_VCPU_EC_HVC64 = 0x16,
    ASH_VCPU_EC_SMC64 = 0x17,
    ASH_VCPU_EC_SYSREG = 0x18, /* MSR, MRS, SYS */
    ASH_VCPU_EC_SVE = 0x19,
    ASH_VCPU_EC_ERET = 0x1a,
    ASH_VCPU_EC_TSTART = 0x1b,
    ASH_VCPU_EC_PAC_FAIL = 0x1c,
    ASH_VCPU_EC_SME = 0x1d,
    ASH_VCPU_EC_GPC = 0x1e,
    ASH_VCPU_EC_INSTRUCTION_ABORT = 0x20, /* from a lower EL */
    ASH_VCPU_EC_INSTRUCTION_ABORT_SAME = 0x21,
    ASH_VCPU_EC_PC_ALIGNMENT = 0x22,
    ASH_VCPU_EC_DATA_ABORT = 0x24, /* from a lower EL */
    ASH_VCPU_EC_DATA_ABORT_SAME = 0x25,
    ASH_VCPU_EC_SP_ALIGNMENT = 0x26,
    ASH_VCPU_EC_MOPS = 0x27,
    ASH_VCPU_EC_FP_EXCEPTION32 = 0x28,
    ASH_VCPU_EC_FP_EXCEPTION64 = 0x2c,
    ASH_VCPU_EC_SERROR = 0x2f,
    ASH_VCPU_EC_BREAKPOINT = 0x30,
    ASH_VCPU_EC_BREAKPOINT_SAME = 0x31,
    ASH_VCPU_EC_STEP = 0x32,
    ASH_VCPU_EC_STEP_SAME = 0x33,
    ASH_VCPU_EC_WATCHPOINT = 0x34,
    ASH_VCPU_EC_WATCHPOINT_SAME = 0x35,
    ASH_VCPU_EC_BKPT32 = 0x38,
    ASH_VCPU_EC_VECTOR_CATCH32 = 0x3a,
    ASH_VCPU_EC_BRK64 = 0x3c,
    ASH_VCPU_EC_COUNT = 64
};

/** What the hypervisor has to do about an exit of an AArch64 guest. */
enum ash_vcpu_exit {
    ASH_VCPU_EXIT_UNEXPECTED = 0, /* no guest can cause it under the trap policy: report it, stop the VM */
    ASH_VCPU_EXIT_UNDEF,          /* a hidden feature: inject UNDEF (ash_vcpu_retry() first) */
    ASH_VCPU_EXIT_WFX,
    ASH_VCPU_EXIT_HVC,
    ASH_VCPU_EXIT_SMC,
    ASH_VCPU_EXIT_SYSREG,            /* <libvcpu/sysreg.h> */
    ASH_VCPU_EXIT_COPROCESSOR,       /* AArch32 EL0: CP14, CP15, VMRS. UNDEF unless the caller knows better */
    ASH_VCPU_EXIT_FP,                /* the FP registers are another vCPU's: switch them */
    ASH_VCPU_EXIT_DATA_ABORT,        /* ash_vcpu_fault_decode() */
    ASH_VCPU_EXIT_INSTRUCTION_ABORT, /* ash_vcpu_fault_decode() */
    ASH_VCPU_EXIT_SERROR,
    ASH_VCPU_EXIT_DEBUG /* only while the hypervisor debugs the guest (MDCR_EL2.TDE) */
};

struct ash_vcpu_ec_info {
    const char *name; /* for a report; never NULL */
    enum ash_vcpu_exit exit;
};

/** What ESR_EL2's EC means. Never NULL; a reserved value is UNEXPECTED, "reserved". */
const struct ash_vcpu_ec_info *ash_vcpu_ec_info(uint64_t esr);

static inline unsigned ash_vcpu_esr_ec(uint64_t esr)
{
    return (unsigned)ash_field(esr, 31, 26);
}

static inline uint32_t ash_vcpu_esr_iss(uint64_t esr)
{
    return (uint32_t)ash_field(esr, 24, 0);
}

/** The immediate of HVC, SMC or SVC. */
static inline uint16_t ash_vcpu_esr_immediate(uint64_t esr)
{
    return (uint16_t)ash_field(esr, 15, 0);
}

/** Which of the four a WFX exit is (ISS.TI). */
enum ash_vcpu_wfx { ASH_VCPU_WFI = 0, ASH_VCPU_WFE = 1, ASH_VCPU_WFIT = 2, ASH_VCPU_WFET = 3 };

static inline enum ash_vcpu_wfx ash_vcpu_esr_wfx(uint64_t esr)
{
    return (enum ash_vcpu_wfx)ash_field(esr, 1, 0);
}

/** Fault status, DFSC or IFSC. */
enum ash_vcpu_fault_kind {
    ASH_VCPU_FAULT_TRANSLATION,
    ASH_VCPU_FAULT_ACCESS_FLAG,
    ASH_VCPU_FAULT_PERMISSION,
    ASH_VCPU_FAULT_ADDRESS_SIZE,
    ASH_VCPU_FAULT_EXTERNAL, /* synchronous external abort or ECC error, on the access or on a walk */
    ASH_VCPU_FAULT_ALIGNMENT,
    ASH_VCPU_FAULT_TLB_CONFLICT,
    ASH_VCPU_FAULT_HW_UPDATE, /* unsupported atomic hardware update of a descriptor */
    ASH_VCPU_FAULT_EXCLUSIVE, /* IMPLEMENTATION DEFINED: exclusive or atomic access to such memory, lockdown */
    ASH_VCPU_FAULT_OTHER      /* reserved, and what a later architecture adds */
};

#define ASH_VCPU_FAULT_NO_LEVEL 0xffU

/** An instruction or data abort from a lower EL. */
struct ash_vcpu_fault {
    enum ash_vcpu_fault_kind kind;
    uint8_t level;          /* of the walk: 0..3, 0xfe for -1, or ASH_VCPU_FAULT_NO_LEVEL */
    bool instruction;       /* a fetch */
    bool write;             /* it wants to write; of a stage-1 walk: a hardware update of a descriptor */
    bool s1ptw;             /* stage 2 faulted on a stage-1 table walk: the IPA is that of a guest's table */
    bool far_valid;         /* FAR_EL2 holds the address (not FnV) */
    bool hpfar_valid;       /* HPFAR_EL2 holds the IPA; where not, translate FAR_EL2 with AT S1E1R or S1E0R */
    bool cache_maintenance; /* DC, IC or AT: no data moves; where nothing is mapped, skip it */
    bool valid_syndrome;    /* ISV: <libvcpu/mmio.h> can decode it; where not, <libvcpu/instruction.h> */
};

/** @esr: of EC INSTRUCTION_ABORT or DATA_ABORT (of another EC the result is OTHER, nothing valid).
 *  hpfar_valid: translation, access flag and address size faults, and any fault with S1PTW; not permission faults
 *  (DDI 0487 D17.2; some models fill it always). `write` of a walk: the walker writes only to set the access
 *  flag or dirty state, and then stage 2 reports a permission fault. */
void ash_vcpu_fault_decode(uint64_t esr, struct ash_vcpu_fault *fault);

/** The IPA of a stage-2 fault from HPFAR_EL2, with the offset in the page from FAR_EL2 where that is architecturally
 *  that of the access (no S1PTW, FnV clear; else the offset is 0).
 *  Returns ASH_OK, or ASH_ENOENT where HPFAR_EL2 is UNKNOWN: *@ipa is unchanged. */
int ash_vcpu_fault_ipa(uint64_t esr, uint64_t far, uint64_t hpfar, ash_ipa_t *ipa) ASH_NODISCARD;

/** The IPA from PAR_EL1 after AT S1E1R, S1E0R… on FAR_EL2: the way for a permission fault. The caller has saved the
 *  guest's PAR_EL1. Returns ASH_OK, or ASH_EGUEST if the walk failed (F=1): the guest has changed its tables since,
 *  let it run the instruction again. DDI 0487 D17.2 "PAR_EL1". */
int ash_vcpu_par_ipa(uint64_t par, uint64_t far, ash_ipa_t *ipa) ASH_NODISCARD;

/** The instruction that exited with @esr has been emulated: on to the next. Advances PC by ESR.IL (2 or 4 bytes) where
 *  the return address is that of the instruction (all traps, SMC included) and not where it is behind it already
 *  (HVC, SVC). Ends a pending single step and BTYPE as executing it would; in AArch32 the IT block moves on. */
void ash_vcpu_skip(struct ash_vcpu_context *ctx, uint64_t esr);

/** Let the guest run the instruction that exited once more, or have an exception point at it: takes PC back where it
 *  is behind the instruction (HVC, SVC). */
void ash_vcpu_retry(struct ash_vcpu_context *ctx, uint64_t esr);

/** Does the condition of a trapped AArch32 instruction hold (ISS.CV, COND; for Thumb without CV the IT block)? If
 *  not, only skip it. True for AArch64, and for an exit that no trapped instruction with a condition made.
 *  DDI 0487 D17.2, "ISS encoding for an exception from MCR or MRC". */
bool ash_vcpu_condition_holds(uint64_t esr, uint64_t pstate);

#ifdef __cplusplus
}
#endif

#endif
