/* SPDX-License-Identifier: BSD-2-Clause */
/** The ID registers that a guest sees: those of the CPU, less what is not virtualised.
 *  A field that the table in id.c does not name reads as zero: what a later architecture adds stays hidden.
 *  Not here: MIDR_EL1 (VPIDR_EL2), MPIDR_EL1 (VMPIDR_EL2), CTR_EL0, CLIDR_EL1, CCSIDR_EL1 (not trapped).
 *  Manual: Arm ARM DDI 0487, D17.2 "ID_*", D17.1.1 (the ID space, reserved encodings RES0). */
#ifndef LIBVCPU_ID_H
#define LIBVCPU_ID_H

#include <libbase/bits.h>
#include <libbase/compiler.h>
#include <libbase/errors.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The ID space that HCR_EL2.TID3 traps: Op0=3, Op1=0, CRn=0, CRm=1..7, Op2=0..7. */
#define ASH_VCPU_ID_INDEX(crm, op2) (((crm)-1U) * 8U + (op2))
#define ASH_VCPU_ID_COUNT           56U

#define ASH_VCPU_ID_PFR0      ASH_VCPU_ID_INDEX(1U, 0U)
#define ASH_VCPU_ID_PFR1      ASH_VCPU_ID_INDEX(1U, 1U)
#define ASH_VCPU_ID_DFR0      ASH_VCPU_ID_INDEX(1U, 2U)
#define ASH_VCPU_ID_AFR0      ASH_VCPU_ID_INDEX(1U, 3U)
#define ASH_VCPU_ID_MMFR0     ASH_VCPU_ID_INDEX(1U, 4U)
#define ASH_VCPU_ID_MMFR1     ASH_VCPU_ID_INDEX(1U, 5U)
#define ASH_VCPU_ID_MMFR2     ASH_VCPU_ID_INDEX(1U, 6U)
#define ASH_VCPU_ID_MMFR3     ASH_VCPU_ID_INDEX(1U, 7U)
#define ASH_VCPU_ID_ISAR0     ASH_VCPU_ID_INDEX(2U, 0U)
#define ASH_VCPU_ID_ISAR1     ASH_VCPU_ID_INDEX(2U, 1U)
#define ASH_VCPU_ID_ISAR2     ASH_VCPU_ID_INDEX(2U, 2U)
#define ASH_VCPU_ID_ISAR3     ASH_VCPU_ID_INDEX(2U, 3U)
#define ASH_VCPU_ID_ISAR4     ASH_VCPU_ID_INDEX(2U, 4U)
#define ASH_VCPU_ID_ISAR5     ASH_VCPU_ID_INDEX(2U, 5U)
#define ASH_VCPU_ID_MMFR4     ASH_VCPU_ID_INDEX(2U, 6U)
#define ASH_VCPU_ID_ISAR6     ASH_VCPU_ID_INDEX(2U, 7U)
#define ASH_VCPU_ID_MVFR0     ASH_VCPU_ID_INDEX(3U, 0U)
#define ASH_VCPU_ID_MVFR1     ASH_VCPU_ID_INDEX(3U, 1U)
#define ASH_VCPU_ID_MVFR2     ASH_VCPU_ID_INDEX(3U, 2U)
#define ASH_VCPU_ID_PFR2      ASH_VCPU_ID_INDEX(3U, 4U)
#define ASH_VCPU_ID_DFR1      ASH_VCPU_ID_INDEX(3U, 5U)
#define ASH_VCPU_ID_MMFR5     ASH_VCPU_ID_INDEX(3U, 6U)
#define ASH_VCPU_ID_AA64PFR0  ASH_VCPU_ID_INDEX(4U, 0U)
#define ASH_VCPU_ID_AA64PFR1  ASH_VCPU_ID_INDEX(4U, 1U)
#define ASH_VCPU_ID_AA64ZFR0  ASH_VCPU_ID_INDEX(4U, 4U)
#define ASH_VCPU_ID_AA64SMFR0 ASH_VCPU_ID_INDEX(4U, 5U)
#define ASH_VCPU_ID_AA64DFR0  ASH_VCPU_ID_INDEX(5U, 0U)
#define ASH_VCPU_ID_AA64DFR1  ASH_VCPU_ID_INDEX(5U, 1U)
#define ASH_VCPU_ID_AA64AFR0  ASH_VCPU_ID_INDEX(5U, 4U)
#define ASH_VCPU_ID_AA64AFR1  ASH_VCPU_ID_INDEX(5U, 5U)
#define ASH_VCPU_ID_AA64ISAR0 ASH_VCPU_ID_INDEX(6U, 0U)
#define ASH_VCPU_ID_AA64ISAR1 ASH_VCPU_ID_INDEX(6U, 1U)
#define ASH_VCPU_ID_AA64ISAR2 ASH_VCPU_ID_INDEX(6U, 2U)
#define ASH_VCPU_ID_AA64MMFR0 ASH_VCPU_ID_INDEX(7U, 0U)
#define ASH_VCPU_ID_AA64MMFR1 ASH_VCPU_ID_INDEX(7U, 1U)
#define ASH_VCPU_ID_AA64MMFR2 ASH_VCPU_ID_INDEX(7U, 2U)
#define ASH_VCPU_ID_AA64MMFR3 ASH_VCPU_ID_INDEX(7U, 3U)

struct ash_vcpu_id {
    uint64_t reg[ASH_VCPU_ID_COUNT]; /* by ASH_VCPU_ID_INDEX(); reserved ones are 0 */
    uint64_t revidr_el1;             /* HCR_EL2.TID1 */
    uint64_t aidr_el1;
};

/** What a VM may see beyond what every VM sees. */
struct ash_vcpu_id_policy {
    size_t size;       /* sizeof(struct ash_vcpu_id_policy) */
    unsigned ipa_bits; /* 32..52: PARange says no more than the guest's physical address space */
    bool gicv3;        /* the CPU interface's system registers (ID_AA64PFR0_EL1.GIC = 1) */
    bool aarch32_el0;  /* EL0 may be AArch32, where the CPU can */
    bool pauth;        /* where the CPU has it; HCR_EL2.API and APK are 1, the keys are switched */
    bool ras;          /* where the CPU has it; HCR_EL2.TERR and TEA are set up for it */
};

/** *@id = what a guest of CPU @raw sees under @policy. @id may be @raw. Pure.
 *  Returns ASH_OK, or ASH_EINVAL (size, ipa_bits): nothing changed. */
int ash_vcpu_id_sanitise(const struct ash_vcpu_id *raw, const struct ash_vcpu_id_policy *policy,
                         struct ash_vcpu_id *id) ASH_NODISCARD;

/** Does the CPU of these registers (raw, or as a guest sees them) have pointer authentication, by whatever algorithm?
 *  Then HCR_EL2.API and APK exist, and ASH_VCPU_FEATURE_PAUTH is to be set for a guest that is shown it. */
bool ash_vcpu_id_has_pauth(const struct ash_vcpu_id *id);

#ifdef __cplusplus
}
#endif

#endif
