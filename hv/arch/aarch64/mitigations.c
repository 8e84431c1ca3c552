/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm, "Speculative Processor Vulnerability": which cores are affected by variants 2, 4 and by Spectre-BHB. */
#include "arch/aarch64/mitigations.h"

#include <libbase/bits.h>
#include <libbase/compiler.h>

#include "arch/aarch64/platform.h"

#define PSCI_VERSION        UINT64_C(0x84000000)
#define PSCI_FEATURES       UINT64_C(0x8400000a)
#define PSCI_1_0            0x10000
#define SMCCC_1_1           0x10001
#define CSV2_BHB            3U
#define SSBS_FIELD_IS_THERE 1U

/* In-order cores, affected by none: implementer and part. */
static const uint32_t unaffected[] = {
    0x410d03, /* Cortex-A53 */
    0x410d04, /* Cortex-A35 */
    0x410d05, /* Cortex-A55 */
    0x410d46, /* Cortex-A510 */
};

static bool is_unaffected(uint64_t midr)
{
    uint32_t part = (uint32_t)((ash_field(midr, 31, 24) << 16) | ash_field(midr, 15, 4));

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(unaffected); i++) {
        if (unaffected[i] == part) {
            return true;
        }
    }
    return false;
}

/** Is there an SMCCC 1.1, whose ARCH_FEATURES can be asked? Each question is one that the firmware may be asked after
 *  the one before it (DEN0028 7.2, "Discovery"). */
static bool firmware_has_smccc_1_1(void)
{
    return hv_platform.has_psci && hv_smc(PSCI_VERSION, 0, 0, 0) >= PSCI_1_0 &&
           (int32_t)hv_smc(PSCI_FEATURES, ASH_VCPU_SMCCC_VERSION, 0, 0) >= 0 &&
           (int32_t)hv_smc(ASH_VCPU_SMCCC_VERSION, 0, 0, 0) >= SMCCC_1_1;
}

static enum ash_vcpu_workaround by_firmware(uint32_t function)
{
    int32_t answer = (int32_t)hv_smc(ASH_VCPU_SMCCC_ARCH_FEATURES, function, 0, 0);

    if (answer < 0) {
        return ASH_VCPU_WORKAROUND_NOT_SUPPORTED;
    }
    return answer == 0 ? ASH_VCPU_WORKAROUND_NEEDED : ASH_VCPU_WORKAROUND_NOT_NEEDED;
}

void hv_mitigations(uint64_t midr, const struct ash_vcpu_id *id, enum ash_vcpu_workaround workaround[3])
{
    static const uint32_t functions[] = {ASH_VCPU_SMCCC_WORKAROUND_1, ASH_VCPU_SMCCC_WORKAROUND_2,
                                         ASH_VCPU_SMCCC_WORKAROUND_3};
    uint64_t csv2 = ash_field(id->reg[ASH_VCPU_ID_AA64PFR0], 59, 56);
    const bool by_design[] = {
        csv2 != 0U,
        ash_field(id->reg[ASH_VCPU_ID_AA64PFR1], 7, 4) >= SSBS_FIELD_IS_THERE, /* the guest has PSTATE.SSBS */
        csv2 >= CSV2_BHB,
    };
    bool can_ask = firmware_has_smccc_1_1();

    for (unsigned i = 0; i < ASH_ARRAY_SIZE(functions); i++) {
        workaround[i] = ASH_VCPU_WORKAROUND_NOT_SUPPORTED;
        if (by_design[i] || is_unaffected(midr)) {
            workaround[i] = ASH_VCPU_WORKAROUND_NOT_NEEDED;
        } else if (can_ask) {
            workaround[i] = by_firmware(functions[i]);
        }
    }
}

uint32_t hv_mitigation_between_vms(const enum ash_vcpu_workaround workaround[3])
{
    if (workaround[2] == ASH_VCPU_WORKAROUND_NEEDED) {
        return ASH_VCPU_SMCCC_WORKAROUND_3; /* does what 1 does, too (DEN0028 7.7) */
    }
    return workaround[0] == ASH_VCPU_WORKAROUND_NEEDED ? ASH_VCPU_SMCCC_WORKAROUND_1 : 0U;
}
