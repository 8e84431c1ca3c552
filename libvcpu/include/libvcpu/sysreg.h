/* SPDX-License-Identifier: BSD-2-Clause */
/** Trapped MSR, MRS and SYS instructions (EC 0x18): one const table says what each is.
 *
 *  It covers what HCR_EL2 {TACR, TSW, TID1, TID3, TVM, TIDCP}, MDCR_EL2 {TDA, TDOSA, TDRA, TPM, TPMCR, TTRF},
 *  CPTR_EL2.TTA, CNTHCTL_EL2 and the GICv3 CPU interface trap. A register that is not in it is UNDEFINED: the PMU,
 *  trace, SPE, RAS, LORegions, IMPLEMENTATION DEFINED ones, which <libvcpu/id.h> hides.
 *  Manual: Arm ARM DDI 0487, D17, C5.1.2 (encodings), D17.2 "ISS encoding for an exception from MSR, MRS".
 */
#ifndef LIBVCPU_SYSREG_H
#define LIBVCPU_SYSREG_H

#include <libvcpu/context.h>
#include <libvcpu/id.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One 16-bit key an encoding, ascending as the manual lists them: Op0, Op1, CRn, CRm, Op2. */
#define ASH_VCPU_SYSREG(op0, op1, crn, crm, op2)                                                             \
    ((uint16_t)(((op0) << 14) | ((op1) << 11) | ((crn) << 7) | ((crm) << 3) | (op2)))

enum ash_vcpu_sysreg_kind {
    ASH_VCPU_SYSREG_UNDEF = 0, /* inject UNDEF */
    /* ash_vcpu_sysreg_emulate() does these: */
    ASH_VCPU_SYSREG_ID,     /* index: ASH_VCPU_ID_INDEX(), read-only */
    ASH_VCPU_SYSREG_REVIDR, /* read-only */
    ASH_VCPU_SYSREG_AIDR,   /* read-only */
    ASH_VCPU_SYSREG_ACTLR,  /* reads the context's, ignores writes */
    ASH_VCPU_SYSREG_CONST,  /* reads `value`, ignores writes where `access` allows them (RAZ/WI: value 0) */
    /* The caller does these: */
    ASH_VCPU_SYSREG_SGI1R, /* write: generate SGIs */
    ASH_VCPU_SYSREG_SGI0R,
    ASH_VCPU_SYSREG_ASGI1R,
    ASH_VCPU_SYSREG_SET_WAY, /* DC ISW, CSW, CISW (HCR_EL2.TSW) */
    ASH_VCPU_SYSREG_TIMER,   /* index: enum ash_vcpu_timer_register (CNTHCTL_EL2) */
    ASH_VCPU_SYSREG_VM /* HCR_EL2.TVM: value: offsetof() in struct ash_vcpu_sys. Write the live register too */
};

enum ash_vcpu_timer_register {
    ASH_VCPU_TIMER_CNTPCT,
    ASH_VCPU_TIMER_CNTPCTSS,
    ASH_VCPU_TIMER_CNTP_TVAL,
    ASH_VCPU_TIMER_CNTP_CTL,
    ASH_VCPU_TIMER_CNTP_CVAL
};

#define ASH_VCPU_SYSREG_R  UINT8_C(1)
#define ASH_VCPU_SYSREG_W  UINT8_C(2)
#define ASH_VCPU_SYSREG_RW UINT8_C(3)

struct ash_vcpu_sysreg {
    uint16_t encoding; /* ASH_VCPU_SYSREG() */
    uint8_t kind;      /* enum ash_vcpu_sysreg_kind */
    uint8_t access;    /* ASH_VCPU_SYSREG_R, W, RW; the other direction is UNDEFINED */
    uint8_t index;
    uint32_t value;
    const char *name; /* as the manual spells it */
};

/** One trapped access. */
struct ash_vcpu_sysreg_access {
    const struct ash_vcpu_sysreg *reg; /* never NULL */
    uint8_t rt;                        /* 0..31 */
    bool read;                         /* MRS */
};

/** The entry of @encoding; one of kind UNDEF where there is none. Never NULL. O(log entries). */
const struct ash_vcpu_sysreg *ash_vcpu_sysreg_find(uint16_t encoding);

/** The key of ESR_EL2's ISS. */
uint16_t ash_vcpu_sysreg_encoding(uint64_t esr);

/** @esr of EC SYSREG. An access in a direction that the register does not have has kind UNDEF. Total. */
void ash_vcpu_sysreg_decode(uint64_t esr, struct ash_vcpu_sysreg_access *access);

/** Do what needs no other subsystem. Lock domain: the vCPU.
 *  Returns ASH_OK: Rt is written or the write ignored, skip the instruction. ASH_EGUEST: inject UNDEF.
 *  ASH_ENOTSUP: the caller's work, by access->reg->kind; nothing changed. */
int ash_vcpu_sysreg_emulate(struct ash_vcpu_context *ctx, const struct ash_vcpu_id *id,
                            const struct ash_vcpu_sysreg_access *access) ASH_NODISCARD;

/** The table itself, ascending by encoding: for tests and documentation. */
const struct ash_vcpu_sysreg *ash_vcpu_sysreg_table(size_t *count);

#ifdef __cplusplus
}
#endif

#endif
