/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/id.h>

/* One visible field. Fields that are not here read as 0, which for all but the signed ones is "not implemented". */
enum rule {
    KEEP,       /* as the CPU has it */
    CAP,        /* as the CPU has it, at most `value` */
    CAP_SIGNED, /* the same for a signed 4-bit field: 0xf stays "not implemented" */
    FIXED       /* `value` */
};

/* Which policy shows it. */
enum when { ALWAYS, IF_AARCH32, IF_PAUTH, IF_RAS, IF_GICV3 };

struct field {
    uint8_t reg;
    uint8_t hi;
    uint8_t lo;
    uint8_t rule; /* enum rule */
    uint8_t when; /* enum when */
    uint8_t value;
};

/* The order is that of the registers. Caps are the highest values whose every part works untrapped or is emulated:
 * what needs an HCRX_EL2 enable (MOPS, LS64, XS, CMOW), adds EL1 state that is not switched (SCXTNUM, MTE, SVE, SME,
 * MPAM, NMI's ALLINT, TCR2, PIR) or belongs to EL2 and EL3 is left out. DDI 0487 D17.2. */
static const struct field fields[] = {
    {ASH_VCPU_ID_PFR0, 15, 0, KEEP, IF_AARCH32, 0}, /* State0..3 */
    {ASH_VCPU_ID_PFR0, 19, 16, CAP, IF_AARCH32, 1}, /* CSV2 */
    {ASH_VCPU_ID_PFR0, 27, 24, CAP, IF_AARCH32, 1}, /* DIT */
    {ASH_VCPU_ID_PFR1, 3, 0, CAP, IF_AARCH32, 1},   /* ProgMod */
    {ASH_VCPU_ID_PFR1, 19, 16, CAP, IF_AARCH32, 1}, /* GenTimer */
    {ASH_VCPU_ID_DFR0, 3, 0, FIXED, IF_AARCH32, 6}, /* CopDbg: Armv8 */
    {ASH_VCPU_ID_MMFR0, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_MMFR1, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_MMFR2, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_MMFR3, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_ISAR0, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_ISAR1, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_ISAR2, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_ISAR3, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_ISAR4, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_ISAR5, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_MMFR4, 7, 4, KEEP, IF_AARCH32, 0},   /* AC2 */
    {ASH_VCPU_ID_MMFR4, 15, 12, CAP, IF_AARCH32, 1},  /* CnP */
    {ASH_VCPU_ID_MMFR4, 19, 16, CAP, IF_AARCH32, 2},  /* HPDS */
    {ASH_VCPU_ID_MMFR4, 27, 24, KEEP, IF_AARCH32, 0}, /* CCIDX: CCSIDR is not trapped */
    {ASH_VCPU_ID_ISAR6, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_MVFR0, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_MVFR1, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_MVFR2, 31, 0, KEEP, IF_AARCH32, 0},
    {ASH_VCPU_ID_PFR2, 3, 0, CAP, IF_AARCH32, 1},  /* CSV3 */
    {ASH_VCPU_ID_PFR2, 7, 4, CAP, IF_AARCH32, 1},  /* SSBS */
    {ASH_VCPU_ID_MMFR5, 3, 0, CAP, IF_AARCH32, 1}, /* ETS */
    {ASH_VCPU_ID_MMFR5, 7, 4, CAP, IF_AARCH32, 1}, /* nTLBPA */

    {ASH_VCPU_ID_AA64PFR0, 3, 0, FIXED, ALWAYS, 1},        /* EL0: AArch64 … */
    {ASH_VCPU_ID_AA64PFR0, 3, 0, CAP, IF_AARCH32, 2},      /* … and AArch32 */
    {ASH_VCPU_ID_AA64PFR0, 7, 4, FIXED, ALWAYS, 1},        /* EL1: AArch64 */
    {ASH_VCPU_ID_AA64PFR0, 19, 16, CAP_SIGNED, ALWAYS, 1}, /* FP */
    {ASH_VCPU_ID_AA64PFR0, 23, 20, CAP_SIGNED, ALWAYS, 1}, /* AdvSIMD */
    {ASH_VCPU_ID_AA64PFR0, 27, 24, FIXED, IF_GICV3, 1},    /* GIC: 3.0, 4.0 */
    {ASH_VCPU_ID_AA64PFR0, 31, 28, CAP, IF_RAS, 1},        /* RAS */
    {ASH_VCPU_ID_AA64PFR0, 51, 48, CAP, ALWAYS, 1},        /* DIT */
    {ASH_VCPU_ID_AA64PFR0, 59, 56, CAP, ALWAYS, 1},        /* CSV2; 2 is SCXTNUM */
    {ASH_VCPU_ID_AA64PFR0, 63, 60, CAP, ALWAYS, 1},        /* CSV3 */
    {ASH_VCPU_ID_AA64PFR1, 3, 0, CAP, ALWAYS, 1},          /* BT */
    {ASH_VCPU_ID_AA64PFR1, 7, 4, CAP, ALWAYS, 2},          /* SSBS */
    {ASH_VCPU_ID_AA64PFR1, 35, 32, CAP, ALWAYS, 1},        /* CSV2_frac; 2 is SCXTNUM */

    /* The smallest debug architecture; the registers behind it are in sysreg.c. No PMU, trace, SPE, TRBE, BRBE. */
    {ASH_VCPU_ID_AA64DFR0, 3, 0, FIXED, ALWAYS, 6},     /* DebugVer: Armv8 */
    {ASH_VCPU_ID_AA64DFR0, 15, 12, FIXED, ALWAYS, 1},   /* BRPs: 2, the least there can be */
    {ASH_VCPU_ID_AA64DFR0, 23, 20, FIXED, ALWAYS, 1},   /* WRPs: 2 */
    {ASH_VCPU_ID_AA64DFR0, 39, 36, FIXED, ALWAYS, 0xf}, /* DoubleLock: none, OSDLR_EL1 is RAZ/WI */

    {ASH_VCPU_ID_AA64ISAR0, 7, 4, CAP, ALWAYS, 2},   /* AES */
    {ASH_VCPU_ID_AA64ISAR0, 11, 8, CAP, ALWAYS, 1},  /* SHA1 */
    {ASH_VCPU_ID_AA64ISAR0, 15, 12, CAP, ALWAYS, 2}, /* SHA2 */
    {ASH_VCPU_ID_AA64ISAR0, 19, 16, CAP, ALWAYS, 1}, /* CRC32 */
    {ASH_VCPU_ID_AA64ISAR0, 23, 20, CAP, ALWAYS, 2}, /* Atomic */
    {ASH_VCPU_ID_AA64ISAR0, 31, 28, CAP, ALWAYS, 1}, /* RDM */
    {ASH_VCPU_ID_AA64ISAR0, 35, 32, CAP, ALWAYS, 1}, /* SHA3 */
    {ASH_VCPU_ID_AA64ISAR0, 39, 36, CAP, ALWAYS, 1}, /* SM3 */
    {ASH_VCPU_ID_AA64ISAR0, 43, 40, CAP, ALWAYS, 1}, /* SM4 */
    {ASH_VCPU_ID_AA64ISAR0, 47, 44, CAP, ALWAYS, 1}, /* DP */
    {ASH_VCPU_ID_AA64ISAR0, 51, 48, CAP, ALWAYS, 1}, /* FHM */
    {ASH_VCPU_ID_AA64ISAR0, 55, 52, CAP, ALWAYS, 2}, /* TS */
    {ASH_VCPU_ID_AA64ISAR0, 59, 56, CAP, ALWAYS, 2}, /* TLB */
    {ASH_VCPU_ID_AA64ISAR0, 63, 60, CAP, ALWAYS, 1}, /* RNDR */

    {ASH_VCPU_ID_AA64ISAR1, 3, 0, CAP, ALWAYS, 2},     /* DPB */
    {ASH_VCPU_ID_AA64ISAR1, 7, 4, CAP, IF_PAUTH, 5},   /* APA */
    {ASH_VCPU_ID_AA64ISAR1, 11, 8, CAP, IF_PAUTH, 5},  /* API */
    {ASH_VCPU_ID_AA64ISAR1, 15, 12, CAP, ALWAYS, 1},   /* JSCVT */
    {ASH_VCPU_ID_AA64ISAR1, 19, 16, CAP, ALWAYS, 1},   /* FCMA */
    {ASH_VCPU_ID_AA64ISAR1, 23, 20, CAP, ALWAYS, 2},   /* LRCPC */
    {ASH_VCPU_ID_AA64ISAR1, 27, 24, CAP, IF_PAUTH, 1}, /* GPA */
    {ASH_VCPU_ID_AA64ISAR1, 31, 28, CAP, IF_PAUTH, 1}, /* GPI */
    {ASH_VCPU_ID_AA64ISAR1, 35, 32, CAP, ALWAYS, 1},   /* FRINTTS */
    {ASH_VCPU_ID_AA64ISAR1, 39, 36, CAP, ALWAYS, 1},   /* SB */
    {ASH_VCPU_ID_AA64ISAR1, 43, 40, CAP, ALWAYS, 1},   /* SPECRES */
    {ASH_VCPU_ID_AA64ISAR1, 47, 44, CAP, ALWAYS, 2},   /* BF16 */
    {ASH_VCPU_ID_AA64ISAR1, 51, 48, CAP, ALWAYS, 1},   /* DGH */
    {ASH_VCPU_ID_AA64ISAR1, 55, 52, CAP, ALWAYS, 1},   /* I8MM */

    {ASH_VCPU_ID_AA64ISAR2, 7, 4, CAP, ALWAYS, 1},     /* RPRES */
    {ASH_VCPU_ID_AA64ISAR2, 11, 8, CAP, IF_PAUTH, 1},  /* GPA3 */
    {ASH_VCPU_ID_AA64ISAR2, 15, 12, CAP, IF_PAUTH, 5}, /* APA3 */
    {ASH_VCPU_ID_AA64ISAR2, 23, 20, CAP, ALWAYS, 1},   /* BC */
    {ASH_VCPU_ID_AA64ISAR2, 27, 24, CAP, IF_PAUTH, 1}, /* PAC_frac */
    {ASH_VCPU_ID_AA64ISAR2, 31, 28, CAP, ALWAYS, 1},   /* CLRBHB */
    {ASH_VCPU_ID_AA64ISAR2, 55, 52, CAP, ALWAYS, 1},   /* CSSC */

    {ASH_VCPU_ID_AA64MMFR0, 3, 0, CAP, ALWAYS, 6},          /* PARange; the policy caps it further */
    {ASH_VCPU_ID_AA64MMFR0, 7, 4, CAP, ALWAYS, 2},          /* ASIDBits */
    {ASH_VCPU_ID_AA64MMFR0, 11, 8, CAP, ALWAYS, 1},         /* BigEnd */
    {ASH_VCPU_ID_AA64MMFR0, 19, 16, CAP, ALWAYS, 1},        /* BigEndEL0 */
    {ASH_VCPU_ID_AA64MMFR0, 23, 20, CAP, ALWAYS, 1},        /* TGran16; 2 is LPA2 */
    {ASH_VCPU_ID_AA64MMFR0, 27, 24, CAP_SIGNED, ALWAYS, 0}, /* TGran64 */
    {ASH_VCPU_ID_AA64MMFR0, 31, 28, CAP_SIGNED, ALWAYS, 0}, /* TGran4; 1 is LPA2 */
    {ASH_VCPU_ID_AA64MMFR0, 47, 44, CAP, ALWAYS, 1},        /* ExS */
    {ASH_VCPU_ID_AA64MMFR0, 63, 60, CAP, ALWAYS, 1},        /* ECV; 2 is CNTPOFF_EL2 */

    {ASH_VCPU_ID_AA64MMFR1, 3, 0, CAP, ALWAYS, 2},   /* HAFDBS */
    {ASH_VCPU_ID_AA64MMFR1, 15, 12, CAP, ALWAYS, 2}, /* HPDS */
    {ASH_VCPU_ID_AA64MMFR1, 23, 20, CAP, ALWAYS, 3}, /* PAN */
    {ASH_VCPU_ID_AA64MMFR1, 39, 36, CAP, ALWAYS, 1}, /* ETS */
    {ASH_VCPU_ID_AA64MMFR1, 47, 44, CAP, ALWAYS, 1}, /* AFP */
    {ASH_VCPU_ID_AA64MMFR1, 51, 48, CAP, ALWAYS, 1}, /* nTLBPA */

    {ASH_VCPU_ID_AA64MMFR2, 3, 0, CAP, ALWAYS, 1},    /* CnP */
    {ASH_VCPU_ID_AA64MMFR2, 7, 4, CAP, ALWAYS, 1},    /* UAO */
    {ASH_VCPU_ID_AA64MMFR2, 19, 16, CAP, ALWAYS, 1},  /* VARange */
    {ASH_VCPU_ID_AA64MMFR2, 23, 20, KEEP, ALWAYS, 0}, /* CCIDX: CCSIDR_EL1 is not trapped */
    {ASH_VCPU_ID_AA64MMFR2, 31, 28, CAP, ALWAYS, 1},  /* ST */
    {ASH_VCPU_ID_AA64MMFR2, 35, 32, CAP, ALWAYS, 1},  /* AT */
    {ASH_VCPU_ID_AA64MMFR2, 39, 36, CAP, ALWAYS, 1},  /* IDS */
    {ASH_VCPU_ID_AA64MMFR2, 51, 48, CAP, ALWAYS, 1},  /* TTL */
    {ASH_VCPU_ID_AA64MMFR2, 55, 52, CAP, ALWAYS, 2},  /* BBM */
    {ASH_VCPU_ID_AA64MMFR2, 63, 60, CAP, ALWAYS, 1},  /* E0PD */
};

/* ID_AA64MMFR0_EL1.PARange: bits of physical address by value. */
static const uint8_t pa_range_bits[] = {32, 36, 40, 42, 44, 48, 52};

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t ruled(const struct field *field, uint64_t raw)
{
    switch ((enum rule)field->rule) {
    case KEEP:
        return raw;
    case CAP:
        return min(raw, field->value);
    case CAP_SIGNED:
        return raw >= 8U ? raw : min(raw, field->value);
    case FIXED:
        return field->value;
    }
    return 0U;
}

/* The values of enum when that hold, a bit each. */
static unsigned shown_by(const struct ash_vcpu_id_policy *policy)
{
    return 1U << ALWAYS | (policy->aarch32_el0 ? 1U << IF_AARCH32 : 0U) |
           (policy->pauth ? 1U << IF_PAUTH : 0U) | (policy->ras ? 1U << IF_RAS : 0U) |
           (policy->gicv3 ? 1U << IF_GICV3 : 0U);
}

/* The largest PARange that is neither beyond the guest's address space nor beyond the CPU. */
static uint64_t pa_range(uint64_t raw, unsigned ipa_bits)
{
    uint64_t range = 0U;

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(pa_range_bits); i++) {
        if (pa_range_bits[i] <= ipa_bits) {
            range = i;
        }
    }
    return min(range, raw);
}

int ash_vcpu_id_sanitise(const struct ash_vcpu_id *raw, const struct ash_vcpu_id_policy *policy,
                         struct ash_vcpu_id *id)
{
    struct ash_vcpu_id seen = {.revidr_el1 = raw->revidr_el1, .aidr_el1 = raw->aidr_el1};
    unsigned shown = shown_by(policy);

    if (policy->size != sizeof(*policy) || policy->ipa_bits < 32U || policy->ipa_bits > 52U) {
        return ASH_EINVAL;
    }
    for (size_t i = 0; i < ASH_ARRAY_SIZE(fields); i++) {
        const struct field *f = &fields[i];

        if ((shown >> f->when & 1U) != 0U) {
            uint64_t value = ruled(f, ash_field(raw->reg[f->reg], f->hi, f->lo));

            seen.reg[f->reg] = ash_with_field(seen.reg[f->reg], f->hi, f->lo, value);
        }
    }
    seen.reg[ASH_VCPU_ID_AA64MMFR0] =
        ash_with_field(seen.reg[ASH_VCPU_ID_AA64MMFR0], 3, 0,
                       pa_range(ash_field(raw->reg[ASH_VCPU_ID_AA64MMFR0], 3, 0), policy->ipa_bits));
    *id = seen;
    return ASH_OK;
}

bool ash_vcpu_id_has_pauth(const struct ash_vcpu_id *id)
{
    /* APA, API, GPA, GPI; APA3, GPA3. */
    return (id->reg[ASH_VCPU_ID_AA64ISAR1] & (ASH_MASK(11, 4) | ASH_MASK(31, 24))) != 0U ||
           (id->reg[ASH_VCPU_ID_AA64ISAR2] & ASH_MASK(15, 8)) != 0U;
}
