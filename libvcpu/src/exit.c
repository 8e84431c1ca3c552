/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/exit.h>

#include "internal.h"

/* One entry an EC: X(value, enum ash_vcpu_exit, name). What is UNDEF here is a trap that only the hypervisor's own
 * control bits can cause, for a feature that libvcpu/id.h hides; UNEXPECTED is what goes to EL1 or EL3, or comes from
 * EL2 itself (DDI 0487 D1.3, D17.2 "ESR_EL2"). */
static const struct ash_vcpu_ec_info ec_table[ASH_VCPU_EC_COUNT] = {
    [ASH_VCPU_EC_UNKNOWN] = {"unknown reason", ASH_VCPU_EXIT_UNDEF},
    [ASH_VCPU_EC_WFX] = {"WFI or WFE", ASH_VCPU_EXIT_WFX},
    [ASH_VCPU_EC_CP15_MCR] = {"MCR or MRC, CP15", ASH_VCPU_EXIT_COPROCESSOR},
    [ASH_VCPU_EC_CP15_MCRR] = {"MCRR or MRRC, CP15", ASH_VCPU_EXIT_COPROCESSOR},
    [ASH_VCPU_EC_CP14_MCR] = {"MCR or MRC, CP14", ASH_VCPU_EXIT_COPROCESSOR},
    [ASH_VCPU_EC_CP14_LDC] = {"LDC or STC, CP14", ASH_VCPU_EXIT_COPROCESSOR},
    [ASH_VCPU_EC_FP] = {"FP or SIMD access", ASH_VCPU_EXIT_FP},
    [ASH_VCPU_EC_VMRS] = {"VMRS", ASH_VCPU_EXIT_COPROCESSOR},
    [ASH_VCPU_EC_PAUTH] = {"pointer authentication", ASH_VCPU_EXIT_UNDEF},
    [ASH_VCPU_EC_LS64] = {"LD64B, ST64B", ASH_VCPU_EXIT_UNDEF},
    [ASH_VCPU_EC_CP14_MRRC] = {"MRRC, CP14", ASH_VCPU_EXIT_COPROCESSOR},
    [ASH_VCPU_EC_BTI] = {"branch target", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_ILLEGAL_STATE] = {"illegal execution state", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_SVC32] = {"SVC, AArch32", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_HVC32] = {"HVC, AArch32", ASH_VCPU_EXIT_HVC},
    [ASH_VCPU_EC_SMC32] = {"SMC, AArch32", ASH_VCPU_EXIT_SMC},
    [ASH_VCPU_EC_SVC64] = {"SVC", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_HVC64] = {"HVC", ASH_VCPU_EXIT_HVC},
    [ASH_VCPU_EC_SMC64] = {"SMC", ASH_VCPU_EXIT_SMC},
    [ASH_VCPU_EC_SYSREG] = {"system register", ASH_VCPU_EXIT_SYSREG},
    [ASH_VCPU_EC_SVE] = {"SVE", ASH_VCPU_EXIT_UNDEF},
    [ASH_VCPU_EC_ERET] = {"ERET", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_TSTART] = {"TSTART", ASH_VCPU_EXIT_UNDEF},
    [ASH_VCPU_EC_PAC_FAIL] = {"pointer authentication failure", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_SME] = {"SME", ASH_VCPU_EXIT_UNDEF},
    [ASH_VCPU_EC_GPC] = {"granule protection check", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_INSTRUCTION_ABORT] = {"instruction abort", ASH_VCPU_EXIT_INSTRUCTION_ABORT},
    [ASH_VCPU_EC_INSTRUCTION_ABORT_SAME] = {"instruction abort, EL2", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_PC_ALIGNMENT] = {"PC alignment", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_DATA_ABORT] = {"data abort", ASH_VCPU_EXIT_DATA_ABORT},
    [ASH_VCPU_EC_DATA_ABORT_SAME] = {"data abort, EL2", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_SP_ALIGNMENT] = {"SP alignment", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_MOPS] = {"memory operation", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_FP_EXCEPTION32] = {"FP exception, AArch32", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_FP_EXCEPTION64] = {"FP exception", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_SERROR] = {"SError", ASH_VCPU_EXIT_SERROR},
    [ASH_VCPU_EC_BREAKPOINT] = {"breakpoint", ASH_VCPU_EXIT_DEBUG},
    [ASH_VCPU_EC_BREAKPOINT_SAME] = {"breakpoint, EL2", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_STEP] = {"software step", ASH_VCPU_EXIT_DEBUG},
    [ASH_VCPU_EC_STEP_SAME] = {"software step, EL2", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_WATCHPOINT] = {"watchpoint", ASH_VCPU_EXIT_DEBUG},
    [ASH_VCPU_EC_WATCHPOINT_SAME] = {"watchpoint, EL2", ASH_VCPU_EXIT_UNEXPECTED},
    [ASH_VCPU_EC_BKPT32] = {"BKPT, AArch32", ASH_VCPU_EXIT_DEBUG},
    [ASH_VCPU_EC_VECTOR_CATCH32] = {"vector catch, AArch32", ASH_VCPU_EXIT_DEBUG},
    [ASH_VCPU_EC_BRK64] = {"BRK", ASH_VCPU_EXIT_DEBUG},
};

static const struct ash_vcpu_ec_info ec_reserved = {"reserved", ASH_VCPU_EXIT_UNEXPECTED};

const struct ash_vcpu_ec_info *ash_vcpu_ec_info(uint64_t esr)
{
    const struct ash_vcpu_ec_info *info = &ec_table[ash_vcpu_esr_ec(esr)];

    return info->name != NULL ? info : &ec_reserved;
}

/* FSC[5:0]: kind and level (DDI 0487 D17.2 "ESR_ELx", DFSC). */
struct fsc_info {
    uint8_t kind; /* enum ash_vcpu_fault_kind + 1; 0 is reserved */
    uint8_t level;
};

#define FSC(kind, level)                                                                                     \
    {                                                                                                        \
        (uint8_t)(ASH_VCPU_FAULT_##kind + 1), level                                                          \
    }
#define NO_LEVEL           ASH_VCPU_FAULT_NO_LEVEL
#define LEVEL_MINUS_1      0xfeU
#define FSC_4_LEVELS(kind) FSC(kind, 0), FSC(kind, 1), FSC(kind, 2), FSC(kind, 3)

static const struct fsc_info fsc_table[64] = {
    FSC_4_LEVELS(ADDRESS_SIZE), /* 0x00 */
    FSC_4_LEVELS(TRANSLATION),
    FSC_4_LEVELS(ACCESS_FLAG), /* level 0: FEAT_LPA2 */
    FSC_4_LEVELS(PERMISSION),
    FSC(EXTERNAL, NO_LEVEL), /* 0x10 */
    {0, 0},                  /* 0x11: tag check, never from stage 2 */
    {0, 0},
    FSC(EXTERNAL, LEVEL_MINUS_1), /* 0x13: on a walk */
    FSC_4_LEVELS(EXTERNAL),
    FSC(EXTERNAL, NO_LEVEL), /* 0x18: parity or ECC */
    {0, 0},
    {0, 0},
    FSC(EXTERNAL, LEVEL_MINUS_1),
    FSC_4_LEVELS(EXTERNAL),
    {0, 0}, /* 0x20 */
    FSC(ALIGNMENT, NO_LEVEL),
    [0x29] = FSC(ADDRESS_SIZE, LEVEL_MINUS_1),
    [0x2b] = FSC(TRANSLATION, LEVEL_MINUS_1),
    [0x30] = FSC(TLB_CONFLICT, NO_LEVEL),
    [0x31] = FSC(HW_UPDATE, NO_LEVEL),
    [0x34] = FSC(EXCLUSIVE, NO_LEVEL), /* lockdown */
    [0x35] = FSC(EXCLUSIVE, NO_LEVEL),
};

static bool hpfar_is_valid(enum ash_vcpu_fault_kind kind, bool s1ptw)
{
    return s1ptw || kind == ASH_VCPU_FAULT_TRANSLATION || kind == ASH_VCPU_FAULT_ACCESS_FLAG ||
           kind == ASH_VCPU_FAULT_ADDRESS_SIZE;
}

void ash_vcpu_fault_decode(uint64_t esr, struct ash_vcpu_fault *fault)
{
    const struct fsc_info *fsc = &fsc_table[esr & ESR_FSC];
    unsigned ec = ash_vcpu_esr_ec(esr);
    struct ash_vcpu_fault f = {.kind = ASH_VCPU_FAULT_OTHER, .level = NO_LEVEL};

    if (ec == ASH_VCPU_EC_DATA_ABORT || ec == ASH_VCPU_EC_INSTRUCTION_ABORT) {
        if (fsc->kind != 0U) {
            f.kind = (enum ash_vcpu_fault_kind)(fsc->kind - 1U);
            f.level = fsc->level;
        }
        f.instruction = ec == ASH_VCPU_EC_INSTRUCTION_ABORT;
        f.s1ptw = (esr & ESR_S1PTW) != 0U;
        /* FnV is valid for synchronous external aborts only; elsewhere it is RES0. */
        f.far_valid = (esr & ESR_FNV) == 0U;
        f.hpfar_valid = hpfar_is_valid(f.kind, f.s1ptw);
        if (f.s1ptw) {
            f.write = f.kind == ASH_VCPU_FAULT_PERMISSION;
        } else if (!f.instruction) {
            f.cache_maintenance = (esr & ESR_CM) != 0U;
            /* WnR is 1 for any CM. What needs write permission (DC IVAC) shows by lacking it. */
            f.write = (esr & ESR_WNR) != 0U && (!f.cache_maintenance || f.kind == ASH_VCPU_FAULT_PERMISSION);
            f.valid_syndrome = (esr & ESR_ISV) != 0U;
        }
    }
    *fault = f;
}

int ash_vcpu_fault_ipa(uint64_t esr, uint64_t far, uint64_t hpfar, ash_ipa_t *ipa)
{
    struct ash_vcpu_fault fault;
    uint64_t page_offset = 0U;

    ash_vcpu_fault_decode(esr, &fault);
    if (!fault.hpfar_valid) {
        return ASH_ENOENT;
    }
    if (!fault.s1ptw && fault.far_valid) {
        page_offset = far & PAGE_OFFSET;
    }
    /* FIPA [47:4] is IPA[55:12]; NS in bit 63 is Secure state's. */
    ipa->value = (ash_field(hpfar, 47, 4) << 12) | page_offset;
    return ASH_OK;
}

int ash_vcpu_par_ipa(uint64_t par, uint64_t far, ash_ipa_t *ipa)
{
    if ((par & PAR_F) != 0U) {
        return ASH_EGUEST;
    }
    ipa->value = (par & PAR_PA) | (far & PAGE_OFFSET);
    return ASH_OK;
}

/* HVC and SVC: the preferred return address is that of the next instruction (DDI 0487 D1.3.2). */
static bool returns_behind(uint64_t esr)
{
    switch (ash_vcpu_esr_ec(esr)) {
    case ASH_VCPU_EC_HVC32:
    case ASH_VCPU_EC_HVC64:
    case ASH_VCPU_EC_SVC32:
    case ASH_VCPU_EC_SVC64:
        return true;
    default:
        return false;
    }
}

static uint64_t instruction_size(uint64_t esr)
{
    return (esr & ESR_IL) != 0U ? 4U : 2U;
}

static void move_pc(struct ash_vcpu_context *ctx, uint64_t by)
{
    ctx->pc += by;
    if ((ctx->pstate & ASH_VCPU_PSTATE_AARCH32) != 0U) {
        ctx->pc &= UINT32_MAX;
    }
}

/* ITSTATE, IT[7:2] in PSTATE[15:10] and IT[1:0] in [26:25] (DDI 0487 G1 "Process state, PSTATE"). */
static unsigned it_state(uint64_t pstate)
{
    return (unsigned)((ash_field(pstate, 15, 10) << 2) | ash_field(pstate, 26, 25));
}

/* J1.2 AArch32.ITAdvance(). */
static uint64_t it_advanced(uint64_t pstate)
{
    unsigned it = it_state(pstate);

    it = (it & 0x7U) == 0U ? 0U : (it & 0xe0U) | ((it << 1) & 0x1fU);
    return ash_with_field(ash_with_field(pstate, 15, 10, it >> 2), 26, 25, it);
}

void ash_vcpu_skip(struct ash_vcpu_context *ctx, uint64_t esr)
{
    if (returns_behind(esr)) {
        return;
    }
    move_pc(ctx, instruction_size(esr));
    ctx->pstate &= ~ASH_VCPU_PSTATE_SS;
    if ((ctx->pstate & ASH_VCPU_PSTATE_AARCH32) == 0U) {
        ctx->pstate &= ~ASH_VCPU_PSTATE_BTYPE;
    } else if ((ctx->pstate & ASH_VCPU_PSTATE32_T) != 0U) {
        ctx->pstate = it_advanced(ctx->pstate);
    }
}

void ash_vcpu_retry(struct ash_vcpu_context *ctx, uint64_t esr)
{
    if (returns_behind(esr)) {
        move_pc(ctx, 0U - instruction_size(esr));
    }
}

/* J1.2 ConditionHolds(). */
static bool condition_holds(unsigned condition, uint64_t pstate)
{
    bool n = (pstate & ASH_VCPU_PSTATE_N) != 0U;
    bool z = (pstate & ASH_VCPU_PSTATE_Z) != 0U;
    bool c = (pstate & ASH_VCPU_PSTATE_C) != 0U;
    bool v = (pstate & ASH_VCPU_PSTATE_V) != 0U;
    const bool even[8] = {z, c, n, v, c && !z, n == v, n == v && !z, true};

    if (condition >= 0xeU) {
        return true;
    }
    return even[condition >> 1] != ((condition & 1U) != 0U);
}

/* Which classes have CV and COND in their ISS (D17.2): an abort's bits there mean other things. */
#define CONDITIONAL                                                                                          \
    (ASH_BIT(ASH_VCPU_EC_WFX) | ASH_BIT(ASH_VCPU_EC_CP15_MCR) | ASH_BIT(ASH_VCPU_EC_CP15_MCRR) |             \
     ASH_BIT(ASH_VCPU_EC_CP14_MCR) | ASH_BIT(ASH_VCPU_EC_CP14_LDC) | ASH_BIT(ASH_VCPU_EC_FP) |               \
     ASH_BIT(ASH_VCPU_EC_VMRS) | ASH_BIT(ASH_VCPU_EC_CP14_MRRC) | ASH_BIT(ASH_VCPU_EC_SMC32))

bool ash_vcpu_condition_holds(uint64_t esr, uint64_t pstate)
{
    unsigned it = it_state(pstate);

    if ((pstate & ASH_VCPU_PSTATE_AARCH32) == 0U || (CONDITIONAL & ASH_BIT(ash_vcpu_esr_ec(esr))) == 0U) {
        return true;
    }
    if ((esr & ESR_CV) != 0U) {
        return condition_holds((unsigned)ash_field(esr, 23, 20), pstate);
    }
    /* CV=0 comes from T32 only: it is the IT block that knows. */
    return (pstate & ASH_VCPU_PSTATE32_T) == 0U || (it & 0xfU) == 0U || condition_holds(it >> 4, pstate);
}
