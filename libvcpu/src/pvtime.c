/* SPDX-License-Identifier: BSD-2-Clause */
/* Paravirtualized time, DEN0057: stolen time only. */
#include <libvcpu/psci.h>
#include <libvcpu/pvtime.h>

#include "internal.h"

static int64_t features(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    return ash_vcpu_pvtime_find_(psci, (uint32_t)call->arg[0]) != NULL ? ASH_VCPU_PSCI_SUCCESS
                                                                       : ASH_VCPU_PSCI_NOT_SUPPORTED;
}

static int64_t stolen_time(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    return (int64_t)(psci->config.stolen_time.value + call->vcpu * sizeof(struct ash_vcpu_stolen_time));
}

static const struct ash_vcpu_smccc_function functions[] = {
    {ASH_VCPU_PV_TIME_FEATURES, features},
    {ASH_VCPU_PV_TIME_ST, stolen_time},
};

const struct ash_vcpu_smccc_function *ash_vcpu_pvtime_find_(const struct ash_vcpu_psci *psci, uint32_t id)
{
    if (!psci->config.has_stolen_time) {
        return NULL;
    }
    return ash_vcpu_smccc_find_in_(functions, ASH_ARRAY_SIZE(functions), id);
}

uint64_t ash_vcpu_stolen_ns(uint64_t ticks, uint64_t frequency)
{
    const uint64_t second = UINT64_C(1000000000);

    return ticks / frequency * second + ticks % frequency * second / frequency;
}
