/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/sysreg.h>

#include "internal.h"

#define ENTRY(op0, op1, crn, crm, op2, access, kind, index, value, name)                                     \
    {                                                                                                        \
        ASH_VCPU_SYSREG(op0, op1, crn, crm, op2), ASH_VCPU_SYSREG_##kind, ASH_VCPU_SYSREG_##access, index,   \
            value, name                                                                                      \
    }

#define ID_NAMED(crm, op2, name)              ENTRY(3U, 0U, 0U, crm, op2, R, ID, ASH_VCPU_ID_INDEX(crm, op2), 0U, name)
#define ID_RESERVED(crm, op2)                 ID_NAMED(crm, op2, "ID_RESERVED")
#define RAZ_WI(op0, op1, crn, crm, op2, name) ENTRY(op0, op1, crn, crm, op2, RW, CONST, 0U, 0U, name)
#define RAZ(op0, op1, crn, crm, op2, name)    ENTRY(op0, op1, crn, crm, op2, R, CONST, 0U, 0U, name)
#define WI(op0, op1, crn, crm, op2, name)     ENTRY(op0, op1, crn, crm, op2, W, CONST, 0U, 0U, name)
#define CONSTANT(op0, op1, crn, crm, op2, access, value, name)                                               \
    ENTRY(op0, op1, crn, crm, op2, access, CONST, 0U, value, name)
#define VM_CONTROL(crn, crm, op2, name, member)                                                              \
    ENTRY(3U, 0U, crn, crm, op2, RW, VM, 0U, offsetof(struct ash_vcpu_sys, member), name)
#define TIMER(op1, crm, op2, access, which)                                                                  \
    ENTRY(3U, op1, 14U, crm, op2, access, TIMER, ASH_VCPU_TIMER_##which, 0U, #which "_EL0")

/* OSLSR_EL1: OSLM [3], [0] = 0b10, the OS Lock is implemented; OSLK 0, it is open: with debug RAZ/WI it locks
 * nothing. */
#define OSLSR 0x8U
/* DBGCLAIMSET_EL1 reads as ones where a CLAIM bit is there: 8 of them. None is ever set. */
#define CLAIM_TAGS 0xffU

/* Ascending by encoding: the search depends on it, and a test checks it. */
static const struct ash_vcpu_sysreg table[] = {
    ENTRY(1U, 0U, 7U, 6U, 2U, W, SET_WAY, 0U, 0U, "DC ISW"),
    ENTRY(1U, 0U, 7U, 10U, 2U, W, SET_WAY, 0U, 0U, "DC CSW"),
    ENTRY(1U, 0U, 7U, 14U, 2U, W, SET_WAY, 0U, 0U, "DC CISW"),

    /* Debug (MDCR_EL2.TDA, TDOSA, TDRA): ID_AA64DFR0_EL1 says two breakpoints and two watchpoints, the least there can
     * be. They hold nothing. Those from 2 on are UNDEFINED. */
    RAZ_WI(2U, 0U, 0U, 0U, 2U, "OSDTRRX_EL1"),
    RAZ_WI(2U, 0U, 0U, 0U, 4U, "DBGBVR0_EL1"),
    RAZ_WI(2U, 0U, 0U, 0U, 5U, "DBGBCR0_EL1"),
    RAZ_WI(2U, 0U, 0U, 0U, 6U, "DBGWVR0_EL1"),
    RAZ_WI(2U, 0U, 0U, 0U, 7U, "DBGWCR0_EL1"),
    RAZ_WI(2U, 0U, 0U, 1U, 4U, "DBGBVR1_EL1"),
    RAZ_WI(2U, 0U, 0U, 1U, 5U, "DBGBCR1_EL1"),
    RAZ_WI(2U, 0U, 0U, 1U, 6U, "DBGWVR1_EL1"),
    RAZ_WI(2U, 0U, 0U, 1U, 7U, "DBGWCR1_EL1"),
    RAZ_WI(2U, 0U, 0U, 2U, 0U, "MDCCINT_EL1"),
    RAZ_WI(2U, 0U, 0U, 2U, 2U, "MDSCR_EL1"),
    RAZ_WI(2U, 0U, 0U, 3U, 2U, "OSDTRTX_EL1"),
    RAZ_WI(2U, 0U, 0U, 6U, 2U, "OSECCR_EL1"),
    RAZ(2U, 0U, 1U, 0U, 0U, "MDRAR_EL1"),
    WI(2U, 0U, 1U, 0U, 4U, "OSLAR_EL1"),
    CONSTANT(2U, 0U, 1U, 1U, 4U, R, OSLSR, "OSLSR_EL1"),
    RAZ_WI(2U, 0U, 1U, 3U, 4U, "OSDLR_EL1"),
    RAZ_WI(2U, 0U, 1U, 4U, 4U, "DBGPRCR_EL1"),
    CONSTANT(2U, 0U, 7U, 8U, 6U, RW, CLAIM_TAGS, "DBGCLAIMSET_EL1"),
    RAZ_WI(2U, 0U, 7U, 9U, 6U, "DBGCLAIMCLR_EL1"),
    RAZ(2U, 0U, 7U, 14U, 6U, "DBGAUTHSTATUS_EL1"),
    RAZ(2U, 3U, 0U, 1U, 0U, "MDCCSR_EL0"),
    RAZ_WI(2U, 3U, 0U, 4U, 0U, "DBGDTR_EL0"),
    RAZ_WI(2U, 3U, 0U, 5U, 0U, "DBGDTRRX_EL0, DBGDTRTX_EL0"),

    ENTRY(3U, 0U, 0U, 0U, 6U, R, REVIDR, 0U, 0U, "REVIDR_EL1"),

    /* The ID space, whole: HCR_EL2.TID3. A reserved encoding reads as zero. */
    ID_NAMED(1U, 0U, "ID_PFR0_EL1"),
    ID_NAMED(1U, 1U, "ID_PFR1_EL1"),
    ID_NAMED(1U, 2U, "ID_DFR0_EL1"),
    ID_NAMED(1U, 3U, "ID_AFR0_EL1"),
    ID_NAMED(1U, 4U, "ID_MMFR0_EL1"),
    ID_NAMED(1U, 5U, "ID_MMFR1_EL1"),
    ID_NAMED(1U, 6U, "ID_MMFR2_EL1"),
    ID_NAMED(1U, 7U, "ID_MMFR3_EL1"),
    ID_NAMED(2U, 0U, "ID_ISAR0_EL1"),
    ID_NAMED(2U, 1U, "ID_ISAR1_EL1"),
    ID_NAMED(2U, 2U, "ID_ISAR2_EL1"),
    ID_NAMED(2U, 3U, "ID_ISAR3_EL1"),
    ID_NAMED(2U, 4U, "ID_ISAR4_EL1"),
    ID_NAMED(2U, 5U, "ID_ISAR5_EL1"),
    ID_NAMED(2U, 6U, "ID_MMFR4_EL1"),
    ID_NAMED(2U, 7U, "ID_ISAR6_EL1"),
    ID_NAMED(3U, 0U, "MVFR0_EL1"),
    ID_NAMED(3U, 1U, "MVFR1_EL1"),
    ID_NAMED(3U, 2U, "MVFR2_EL1"),
    ID_RESERVED(3U, 3U),
    ID_NAMED(3U, 4U, "ID_PFR2_EL1"),
    ID_NAMED(3U, 5U, "ID_DFR1_EL1"),
    ID_NAMED(3U, 6U, "ID_MMFR5_EL1"),
    ID_RESERVED(3U, 7U),
    ID_NAMED(4U, 0U, "ID_AA64PFR0_EL1"),
    ID_NAMED(4U, 1U, "ID_AA64PFR1_EL1"),
    ID_NAMED(4U, 2U, "ID_AA64PFR2_EL1"),
    ID_RESERVED(4U, 3U),
    ID_NAMED(4U, 4U, "ID_AA64ZFR0_EL1"),
    ID_NAMED(4U, 5U, "ID_AA64SMFR0_EL1"),
    ID_RESERVED(4U, 6U),
    ID_NAMED(4U, 7U, "ID_AA64FPFR0_EL1"),
    ID_NAMED(5U, 0U, "ID_AA64DFR0_EL1"),
    ID_NAMED(5U, 1U, "ID_AA64DFR1_EL1"),
    ID_NAMED(5U, 2U, "ID_AA64DFR2_EL1"),
    ID_RESERVED(5U, 3U),
    ID_NAMED(5U, 4U, "ID_AA64AFR0_EL1"),
    ID_NAMED(5U, 5U, "ID_AA64AFR1_EL1"),
    ID_RESERVED(5U, 6U),
    ID_RESERVED(5U, 7U),
    ID_NAMED(6U, 0U, "ID_AA64ISAR0_EL1"),
    ID_NAMED(6U, 1U, "ID_AA64ISAR1_EL1"),
    ID_NAMED(6U, 2U, "ID_AA64ISAR2_EL1"),
    ID_NAMED(6U, 3U, "ID_AA64ISAR3_EL1"),
    ID_RESERVED(6U, 4U),
    ID_RESERVED(6U, 5U),
    ID_RESERVED(6U, 6U),
    ID_RESERVED(6U, 7U),
    ID_NAMED(7U, 0U, "ID_AA64MMFR0_EL1"),
    ID_NAMED(7U, 1U, "ID_AA64MMFR1_EL1"),
    ID_NAMED(7U, 2U, "ID_AA64MMFR2_EL1"),
    ID_NAMED(7U, 3U, "ID_AA64MMFR3_EL1"),
    ID_NAMED(7U, 4U, "ID_AA64MMFR4_EL1"),
    ID_RESERVED(7U, 5U),
    ID_RESERVED(7U, 6U),
    ID_RESERVED(7U, 7U),

    VM_CONTROL(1U, 0U, 0U, "SCTLR_EL1", sctlr_el1),
    ENTRY(3U, 0U, 1U, 0U, 1U, RW, ACTLR, 0U, 0U, "ACTLR_EL1"),
    VM_CONTROL(2U, 0U, 0U, "TTBR0_EL1", ttbr0_el1),
    VM_CONTROL(2U, 0U, 1U, "TTBR1_EL1", ttbr1_el1),
    VM_CONTROL(2U, 0U, 2U, "TCR_EL1", tcr_el1),
    VM_CONTROL(5U, 1U, 0U, "AFSR0_EL1", afsr0_el1),
    VM_CONTROL(5U, 1U, 1U, "AFSR1_EL1", afsr1_el1),
    VM_CONTROL(5U, 2U, 0U, "ESR_EL1", esr_el1),
    VM_CONTROL(6U, 0U, 0U, "FAR_EL1", far_el1),
    VM_CONTROL(10U, 2U, 0U, "MAIR_EL1", mair_el1),
    VM_CONTROL(10U, 3U, 0U, "AMAIR_EL1", amair_el1),
    ENTRY(3U, 0U, 12U, 11U, 5U, W, SGI1R, 0U, 0U, "ICC_SGI1R_EL1"),
    ENTRY(3U, 0U, 12U, 11U, 6U, W, ASGI1R, 0U, 0U, "ICC_ASGI1R_EL1"),
    ENTRY(3U, 0U, 12U, 11U, 7U, W, SGI0R, 0U, 0U, "ICC_SGI0R_EL1"),
    VM_CONTROL(13U, 0U, 1U, "CONTEXTIDR_EL1", contextidr_el1),
    ENTRY(3U, 1U, 0U, 0U, 7U, R, AIDR, 0U, 0U, "AIDR_EL1"),
    TIMER(3U, 0U, 1U, R, CNTPCT),
    TIMER(3U, 0U, 5U, R, CNTPCTSS),
    TIMER(3U, 2U, 0U, RW, CNTP_TVAL),
    TIMER(3U, 2U, 1U, RW, CNTP_CTL),
    TIMER(3U, 2U, 2U, RW, CNTP_CVAL),
};

static const struct ash_vcpu_sysreg undefined = {0U, ASH_VCPU_SYSREG_UNDEF, 0U, 0U, 0U, "UNDEFINED"};

const struct ash_vcpu_sysreg *ash_vcpu_sysreg_table(size_t *count)
{
    *count = ASH_ARRAY_SIZE(table);
    return table;
}

const struct ash_vcpu_sysreg *ash_vcpu_sysreg_find(uint16_t encoding)
{
    size_t low = 0U;
    size_t high = ASH_ARRAY_SIZE(table);

    while (low < high) {
        size_t middle = low + (high - low) / 2U;

        if (table[middle].encoding == encoding) {
            return &table[middle];
        }
        if (table[middle].encoding < encoding) {
            low = middle + 1U;
        } else {
            high = middle;
        }
    }
    return &undefined;
}

uint16_t ash_vcpu_sysreg_encoding(uint64_t esr)
{
    /* ISS: Op0 [21:20], Op2 [19:17], Op1 [16:14], CRn [13:10], Rt [9:5], CRm [4:1], read [0]. */
    return ASH_VCPU_SYSREG(ash_field(esr, 21, 20), ash_field(esr, 16, 14), ash_field(esr, 13, 10),
                           ash_field(esr, 4, 1), ash_field(esr, 19, 17));
}

void ash_vcpu_sysreg_decode(uint64_t esr, struct ash_vcpu_sysreg_access *access)
{
    const struct ash_vcpu_sysreg *reg = ash_vcpu_sysreg_find(ash_vcpu_sysreg_encoding(esr));

    access->read = (esr & ASH_BIT(0)) != 0U;
    access->rt = (uint8_t)ash_field(esr, 9, 5);
    access->reg =
        (reg->access & (access->read ? ASH_VCPU_SYSREG_R : ASH_VCPU_SYSREG_W)) != 0U ? reg : &undefined;
}

int ash_vcpu_sysreg_emulate(struct ash_vcpu_context *ctx, const struct ash_vcpu_id *id,
                            const struct ash_vcpu_sysreg_access *access)
{
    const struct ash_vcpu_sysreg *reg = access->reg;
    uint64_t value;

    switch ((enum ash_vcpu_sysreg_kind)reg->kind) {
    case ASH_VCPU_SYSREG_ID:
        value = id->reg[reg->index];
        break;
    case ASH_VCPU_SYSREG_REVIDR:
        value = id->revidr_el1;
        break;
    case ASH_VCPU_SYSREG_AIDR:
        value = id->aidr_el1;
        break;
    case ASH_VCPU_SYSREG_ACTLR:
        value = ctx->sys.actlr_el1;
        break;
    case ASH_VCPU_SYSREG_CONST:
        value = reg->value;
        break;
    case ASH_VCPU_SYSREG_SGI1R:
    case ASH_VCPU_SYSREG_SGI0R:
    case ASH_VCPU_SYSREG_ASGI1R:
    case ASH_VCPU_SYSREG_SET_WAY:
    case ASH_VCPU_SYSREG_TIMER:
    case ASH_VCPU_SYSREG_VM:
        return ASH_ENOTSUP;
    case ASH_VCPU_SYSREG_UNDEF:
    default:
        return ASH_EGUEST;
    }
    if (access->read) {
        ash_vcpu_reg_write(ctx, access->rt, value);
    }
    return ASH_OK;
}
