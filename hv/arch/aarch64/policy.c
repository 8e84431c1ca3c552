/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/policy.h"

#include <stdbool.h>

#include <libbase/bits.h>
#include <libvcpu/el2.h>

#include "arch/aarch64/sysreg.h"

/* VM, SWIO, PTW: stage 2 on; DC ISW and DC IVAC become clean and invalidate, so that a guest cannot drop another's
 *   dirty lines; a stage-1 walk through Device memory faults.
 * FMO, IMO, AMO: physical FIQ, IRQ, SError to EL2, the virtual ones to the guest.
 * TSC: SMC is answered by hv, never by EL3.   TIDCP, TACR: implementation-defined registers and ACTLR_EL1.
 * TSW: set/way maintenance.   TID1, TID3: ID registers come from libvcpu.   RW: EL1 is AArch64.
 * TLOR: no guest has limited-ordering regions, as ID_AA64MMFR1_EL1 says; RES0 where no CPU has them. */
#define HCR_POLICY                                                                                           \
    (HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TID1 | HCR_TID3 | HCR_TSC | HCR_TIDCP | \
     HCR_TACR | HCR_TSW | HCR_RW | HCR_TLOR)

/* RES1 [13:12], [9:0] (TZ and TSM among them: SVE and SME trap); TTA: trace; TAM: activity monitors; TFP 0: a vCPU that
 * is alone on its CPU owns the FP registers. D17.2. */
#define CPTR_POLICY (UINT64_C(0x33ff) | ASH_BIT(20) | ASH_BIT(30))

/* TPMCR, TPM: PMU; TDA, TDOSA, TDRA: debug; HPMD, HCCD: hv is not counted; TTRF: trace filter; TPMS: profiling; E2PB,
 * E2TB 0: the profiling and trace buffers are EL2's. D17.3. */
#define MDCR_POLICY                                                                                          \
    (ASH_BIT(5) | ASH_BIT(6) | ASH_BIT(9) | ASH_BIT(10) | ASH_BIT(11) | ASH_BIT(14) | ASH_BIT(17) |          \
     ASH_BIT(19) | ASH_BIT(23))

/* EL1PCTEN, EL1PCEN: counter and timer are the guest's, directly: its VM is pinned and its offset is 0. D17.11 */
#define CNTHCTL_POLICY UINT64_C(3)

#define HFGRTR_EL2  S3_4_C1_C1_4
#define HFGWTR_EL2  S3_4_C1_C1_5
#define HFGITR_EL2  S3_4_C1_C1_6
#define HDFGRTR_EL2 S3_4_C3_C1_4
#define HDFGWTR_EL2 S3_4_C3_C1_5
#define HCRX_EL2    S3_4_C1_C2_2
#define MPAM2_EL2   S3_4_C10_C5_0
#define VSESR_EL2   S3_4_C5_C2_3
#define PMSCR_EL2   S3_4_C9_C9_0
#define TRFCR_EL2   S3_4_C1_C2_1

#define ALWAYS true

/* Register, value, where it is there. */
#define POLICY(X)                                                                                            \
    X(hcr_el2, hv_policy_hcr() & ~HCR_VM, ALWAYS) /* VM goes on with a vCPU's VTTBR */                       \
    X(cptr_el2, CPTR_POLICY, ALWAYS)                                                                         \
    X(hstr_el2, 0, ALWAYS)                                                                                   \
    X(hacr_el2, 0, ALWAYS)                                                                                   \
    X(actlr_el2, 0, ALWAYS) /* Cortex-A: no implementation-defined register for EL1 */                       \
    X(mdcr_el2, MDCR_POLICY | ash_field(hv_sysreg_read(pmcr_el0), 15, 11), has_pmu())                        \
    X(mdcr_el2, MDCR_POLICY, !has_pmu())                                                                     \
    X(cnthctl_el2, CNTHCTL_POLICY, ALWAYS)                                                                   \
    X(cntvoff_el2, 0, ALWAYS)                                                                                \
    X(cnthp_ctl_el2, 0, ALWAYS)                                                                              \
    X(vttbr_el2, 0, ALWAYS)                                                                                  \
    X(vtcr_el2, ASH_BIT(31), ALWAYS)                                                                         \
    X(vpidr_el2, hv_sysreg_read(midr_el1), ALWAYS)                                                           \
    X(vmpidr_el2, hv_sysreg_read(mpidr_el1), ALWAYS)                                                         \
    X(amair_el2, 0, ALWAYS)                                                                                  \
    X(afsr0_el2, 0, ALWAYS)                                                                                  \
    X(afsr1_el2, 0, ALWAYS)                                                                                  \
    X(cntv_ctl_el0, 0, ALWAYS) /* the guest's timers are off until it turns them on */                       \
    X(cntp_ctl_el0, 0, ALWAYS)                                                                               \
    X(PMSCR_EL2, 0, has_profiling())                                                                         \
    X(TRFCR_EL2, 0, has_trace_filter())                                                                      \
    X(VSESR_EL2, 0, has_ras())                                                                               \
    X(HFGRTR_EL2, 0, has_fgt())                                                                              \
    X(HFGWTR_EL2, 0, has_fgt())                                                                              \
    X(HFGITR_EL2, 0, has_fgt())                                                                              \
    X(HDFGRTR_EL2, 0, has_fgt())                                                                             \
    X(HDFGWTR_EL2, 0, has_fgt())                                                                             \
    X(HCRX_EL2, 0, has_hcx())                                                                                \
    X(MPAM2_EL2, ASH_BIT(49) | ASH_BIT(48), has_mpam()) /* TRAPMPAM0EL1, TRAPMPAM1EL1 */

static bool has_pmu(void)
{
    uint64_t version = ash_field(hv_sysreg_read(id_aa64dfr0_el1), 11, 8);

    return version != 0U && version != 0xfU;
}

static bool has_profiling(void)
{
    return ash_field(hv_sysreg_read(id_aa64dfr0_el1), 35, 32) != 0U;
}

static bool has_trace_filter(void)
{
    return ash_field(hv_sysreg_read(id_aa64dfr0_el1), 43, 40) != 0U;
}

static bool has_ras(void)
{
    return ash_field(hv_sysreg_read(id_aa64pfr0_el1), 31, 28) != 0U;
}

static bool has_mpam(void)
{
    return ash_field(hv_sysreg_read(id_aa64pfr0_el1), 43, 40) != 0U;
}

static bool has_fgt(void)
{
    return ash_field(hv_sysreg_read(id_aa64mmfr0_el1), 59, 56) != 0U;
}

static bool has_hcx(void)
{
    return ash_field(hv_sysreg_read(id_aa64mmfr1_el1), 43, 40) != 0U;
}

static bool has_pauth(void)
{
    const struct ash_vcpu_id raw = {.reg = {[ASH_VCPU_ID_AA64ISAR1] = hv_sysreg_read(id_aa64isar1_el1),
                                            [ASH_VCPU_ID_AA64ISAR2] = hv_sysreg_read(s3_0_c0_c6_2)}};

    return ash_vcpu_id_has_pauth(&raw);
}

uint64_t hv_policy_hcr(void)
{
    static uint64_t known; /* the CPUs are alike, and this reads dozens of registers */
    uint64_t hcr = __atomic_load_n(&known, __ATOMIC_RELAXED);

    if (hcr != 0U) {
        return hcr;
    }
    hcr = HCR_POLICY;
    if (has_pauth()) {
        hcr |= HCR_API | HCR_APK; /* a guest's pointer authentication does not trap */
    }
    if (has_ras()) {
        hcr |= HCR_TERR | HCR_TEA; /* error records and synchronous external aborts come to hv */
    }
    __atomic_store_n(&known, hcr, __ATOMIC_RELAXED);
    return hcr;
}

void hv_policy_apply(void)
{
#define POLICY_WRITE(name, value, present)                                                                   \
    if (present) {                                                                                           \
        hv_sysreg_write(name, value);                                                                        \
    }
    POLICY(POLICY_WRITE)
    hv_isb(); /* in force before the next instruction that they govern (DDI 0487 D17.1.2) */
}
