/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/psci.h>

#include <libbase/nospec.h>

#include <libbase/checked.h>
#include <libvcpu/context.h>
#include <libvcpu/pvtime.h>

#include "internal.h"

/* DEN0028 2.5: fast call [31], 64-bit [30], owner [29:24], function [15:0]. PSCI has the first 32 functions of the
 * Standard Secure owner (DEN0022 5.1), TRNG 16 from 0x50 on (DEN0098 2). */
#define OWNER_ARM_ARCHITECTURE UINT32_C(0)
#define WITHOUT_FUNCTION       UINT32_C(0xbfff0000)
#define TRNG_FUNCTIONS         UINT32_C(0x50)

#define SOC_ID_VERSION  0U
#define SOC_ID_REVISION 1U

static bool is_trng(uint32_t id)
{
    return (id & ~SMCCC_64 & ~UINT32_C(0xf)) == (ASH_VCPU_PSCI_VERSION | TRNG_FUNCTIONS);
}

static int64_t smccc_version(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    (void)psci;
    (void)call;
    return SMCCC_1_2;
}

/* ---- Workarounds ------------------------------------------------------------------------------------------------- */

static const uint32_t workarounds[] = {ASH_VCPU_SMCCC_WORKAROUND_1, ASH_VCPU_SMCCC_WORKAROUND_2,
                                       ASH_VCPU_SMCCC_WORKAROUND_3};

/* How the VM has workaround @id; NOT_SUPPORTED if it is none. */
static enum ash_vcpu_workaround workaround_state(const struct ash_vcpu_psci *psci, uint32_t id)
{
    for (size_t i = 0; i < ASH_ARRAY_SIZE(workarounds); i++) {
        if (workarounds[i] == id) {
            return psci->config.workaround[i];
        }
    }
    return ASH_VCPU_WORKAROUND_NOT_SUPPORTED;
}

static int64_t workaround(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    if (workaround_state(psci, call->function) == ASH_VCPU_WORKAROUND_NEEDED) {
        psci->hal->mitigate(psci->ctx, call->function, call->arg[0]);
    }
    return ASH_VCPU_PSCI_SUCCESS;
}

/* ---- Arm Architecture and vendor-specific hypervisor calls ------------------------------------------------------- */

/* What PSCI has is asked of PSCI_FEATURES; of paravirtualized time the first function is found here (DEN0057).
 * 1: it may be called, this CPU does not need it (DEN0028 7.3.2). */
static int64_t arch_features(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    uint32_t id = (uint32_t)call->arg[0];

    if (((id & WITHOUT_FUNCTION) != ASH_VCPU_SMCCC_VERSION && id != ASH_VCPU_PV_TIME_FEATURES) ||
        ash_vcpu_smccc_find_(psci, id) == NULL) {
        return ASH_VCPU_PSCI_NOT_SUPPORTED;
    }
    return workaround_state(psci, id) == ASH_VCPU_WORKAROUND_NOT_NEEDED ? 1 : ASH_VCPU_PSCI_SUCCESS;
}

static int64_t soc_id(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    uint32_t what = (uint32_t)call->arg[0];

    if (what == SOC_ID_VERSION) {
        return psci->config.soc_version;
    }
    return what == SOC_ID_REVISION ? (int64_t)psci->config.soc_revision : ASH_VCPU_SMCCC_INVALID_PARAMETER;
}

static int64_t hypervisor_uid(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    return ash_vcpu_smccc_uid_(psci->config.hypervisor_uid, call);
}

static int64_t hypervisor_revision(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    call->result[0] = psci->config.hypervisor_revision[1];
    return psci->config.hypervisor_revision[0];
}

int64_t ash_vcpu_smccc_uid_(const uint32_t uid[4], const struct ash_vcpu_smccc_call *call)
{
    for (unsigned i = 0; i < 3U; i++) {
        call->result[i] = uid[i + 1U];
    }
    return uid[0];
}

static const struct ash_vcpu_smccc_function functions[] = {
    {ASH_VCPU_SMCCC_VERSION, smccc_version},
    {ASH_VCPU_SMCCC_ARCH_FEATURES, arch_features},
    {ASH_VCPU_SMCCC_ARCH_SOC_ID, soc_id},
    {ASH_VCPU_SMCCC_WORKAROUND_1, workaround},
    {ASH_VCPU_SMCCC_WORKAROUND_2, workaround},
    {ASH_VCPU_SMCCC_WORKAROUND_3, workaround},
    {ASH_VCPU_SMCCC_VENDOR_HYP_UID, hypervisor_uid},
    {ASH_VCPU_SMCCC_VENDOR_HYP_REVISION, hypervisor_revision},
};

static bool has_uid(const struct ash_vcpu_psci *psci)
{
    const uint32_t *uid = psci->config.hypervisor_uid;

    return (uid[0] | uid[1] | uid[2] | uid[3]) != 0U;
}

/* Does the VM's configuration offer this one of `functions`? */
static bool is_offered(const struct ash_vcpu_psci *psci, uint32_t id)
{
    switch (id) {
    case ASH_VCPU_SMCCC_ARCH_SOC_ID:
        return psci->config.has_soc_id;
    case ASH_VCPU_SMCCC_WORKAROUND_1:
    case ASH_VCPU_SMCCC_WORKAROUND_2:
    case ASH_VCPU_SMCCC_WORKAROUND_3:
        return workaround_state(psci, id) != ASH_VCPU_WORKAROUND_NOT_SUPPORTED;
    case ASH_VCPU_SMCCC_VENDOR_HYP_UID:
    case ASH_VCPU_SMCCC_VENDOR_HYP_REVISION:
        return has_uid(psci);
    default:
        return true;
    }
}

/* ---- Looking up -------------------------------------------------------------------------------------------------- */

const struct ash_vcpu_smccc_function *ash_vcpu_smccc_find_in_(const struct ash_vcpu_smccc_function *table,
                                                              size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].id == id) {
            return &table[i];
        }
    }
    return NULL;
}

const struct ash_vcpu_smccc_function *ash_vcpu_smccc_find_(const struct ash_vcpu_psci *psci, uint32_t id)
{
    const struct ash_vcpu_smccc_function *function;

    if (ash_vcpu_is_psci_(id)) {
        return ash_vcpu_psci_find_(psci, id);
    }
    if (is_trng(id)) {
        return ash_vcpu_trng_find_(psci, id);
    }
    function = ash_vcpu_smccc_find_in_(functions, ASH_ARRAY_SIZE(functions), id);
    if (function != NULL) {
        return is_offered(psci, id) ? function : NULL;
    }
    function = ash_vcpu_pvtime_find_(psci, id);
    if (function != NULL) {
        return function;
    }
    return ash_vcpu_smccc_find_in_(psci->config.vendor, psci->config.vendor_count, id);
}

/* ---- The object -------------------------------------------------------------------------------------------------- */

bool ash_vcpu_smc_may_be_allowed(uint32_t id)
{
    return ((id >> 24) & 0x3fU) != OWNER_ARM_ARCHITECTURE && !ash_vcpu_is_psci_(id) && !is_trng(id);
}

static bool cpus_are_valid(const struct ash_vcpu_psci_config *config)
{
    for (unsigned i = 0; i < config->cpu_count; i++) {
        if ((config->cpus[i].mpidr & ~ASH_VCPU_MPIDR_AFFINITY) != 0U) {
            return false;
        }
        for (unsigned j = 0; j < i; j++) {
            if (config->cpus[i].mpidr == config->cpus[j].mpidr) {
                return false;
            }
        }
    }
    return true;
}

/* UINT32_MAX in w0 is NOT_SUPPORTED; so a UID may not begin with it, nor what is a number have bit 31 set. */
static bool identity_is_valid(const struct ash_vcpu_psci_config *config)
{
    return config->hypervisor_uid[0] != UINT32_MAX && config->trng_uuid[0] != UINT32_MAX &&
           ((config->soc_version | config->soc_revision) & ASH_BIT(31)) == 0U;
}

static bool calls_are_valid(const struct ash_vcpu_psci_config *config, const struct ash_vcpu_psci_hal *hal)
{
    bool can_mitigate = hal != NULL && hal->mitigate != NULL;

    for (size_t i = 0; i < ASH_ARRAY_SIZE(config->workaround); i++) {
        if ((unsigned)config->workaround[i] > ASH_VCPU_WORKAROUND_NEEDED ||
            (config->workaround[i] == ASH_VCPU_WORKAROUND_NEEDED && !can_mitigate)) {
            return false;
        }
    }
    if (config->smc_allow_count > ASH_VCPU_SMC_ALLOW_MAX ||
        (config->smc_allow_count != 0U && config->smc_allow == NULL)) {
        return false;
    }
    for (unsigned i = 0; i < config->smc_allow_count; i++) {
        if (!ash_vcpu_smc_may_be_allowed(config->smc_allow[i])) {
            return false;
        }
    }
    return true;
}

static bool config_is_valid(const struct ash_vcpu_psci_config *config, const struct ash_vcpu_psci_hal *hal)
{
    return config->size == sizeof(*config) && (hal == NULL || hal->size == sizeof(*hal)) &&
           config->cpus != NULL && config->boot_cpu < config->cpu_count &&
           (config->entry_range_count == 0U || config->entry_ranges != NULL) &&
           (config->vendor_count == 0U || config->vendor != NULL) && cpus_are_valid(config) &&
           identity_is_valid(config) && calls_are_valid(config, hal) &&
           ash_is_aligned(config->stolen_time.value, sizeof(struct ash_vcpu_stolen_time));
}

int ash_vcpu_psci_init(struct ash_vcpu_psci *psci, const struct ash_vcpu_psci_config *config,
                       const struct ash_vcpu_psci_hal *hal, void *ctx)
{
    if (!config_is_valid(config, hal)) {
        return ASH_EINVAL;
    }
    psci->config = *config;
    psci->hal = hal;
    psci->ctx = ctx;
    for (unsigned i = 0; i < config->cpu_count; i++) {
        config->cpus[i].power = i == config->boot_cpu ? ASH_VCPU_POWER_ON
                                : config->starts_all  ? ASH_VCPU_POWER_ON_PENDING
                                                      : ASH_VCPU_POWER_OFF;
    }
    return ASH_OK;
}

/* ---- A call ------------------------------------------------------------------------------------------------------ */

static bool is_forwarded(const struct ash_vcpu_psci *psci, enum ash_vcpu_conduit conduit, uint32_t id)
{
    for (unsigned i = 0; i < psci->config.smc_allow_count && conduit == ASH_VCPU_CONDUIT_SMC; i++) {
        if (psci->config.smc_allow[i] == id) {
            return true;
        }
    }
    return false;
}

static void perform(struct ash_vcpu_psci *psci, unsigned vcpu, uint64_t *x, enum ash_vcpu_conduit conduit,
                    struct ash_vcpu_action *action)
{
    uint32_t id = (uint32_t)x[0];
    const struct ash_vcpu_smccc_function *function = ash_vcpu_smccc_find_(psci, id);
    uint64_t width = (id & SMCCC_64) != 0U ? UINT64_MAX : UINT32_MAX;
    int64_t status = ASH_VCPU_PSCI_NOT_SUPPORTED;
    const struct ash_vcpu_smccc_call call = {
        .function = id,
        .vcpu = vcpu,
        .arg = {x[1] & width, x[2] & width, x[3] & width},
        .result = &x[1],
        .action = action,
    };

    if (function != NULL) {
        status = function->handler(psci, &call);
    } else if (is_forwarded(psci, conduit, id)) {
        action->kind = ASH_VCPU_ACTION_FORWARD;
        return;
    }
    x[0] = (uint64_t)status & width;
}

bool ash_vcpu_smccc_quick(const struct ash_vcpu_psci *psci, uint64_t *x, enum ash_vcpu_conduit conduit)
{
    uint32_t id = (uint32_t)x[0];
    uint64_t answer;

    if (!(conduit == ASH_VCPU_CONDUIT_HVC ? psci->config.hvc : psci->config.smc)) {
        return false;
    }
    if (id == ASH_VCPU_PSCI_VERSION) {
        answer = PSCI_1_1;
    } else if (id == ASH_VCPU_SMCCC_VERSION) {
        answer = SMCCC_1_2;
    } else if (workaround_state(psci, id) == ASH_VCPU_WORKAROUND_NOT_NEEDED) {
        answer = ASH_VCPU_PSCI_SUCCESS;
    } else {
        return false;
    }
    x[0] = answer;
    return true;
}

int ash_vcpu_smccc_call(struct ash_vcpu_psci *psci, unsigned vcpu, uint64_t *x, enum ash_vcpu_conduit conduit,
                        uint16_t immediate, struct ash_vcpu_action *action)
{
    const struct ash_vcpu_action none = {.kind = ASH_VCPU_ACTION_NONE};

    if (vcpu >= psci->config.cpu_count) {
        return ASH_EINVAL;
    }
    if (!(conduit == ASH_VCPU_CONDUIT_HVC ? psci->config.hvc : psci->config.smc)) {
        return ASH_EGUEST;
    }
    *action = none;
    if (immediate == 0U) {
        perform(psci, vcpu, x, conduit, action);
    } else {
        x[0] = ((uint32_t)x[0] & SMCCC_64) != 0U ? UINT64_MAX : UINT32_MAX;
    }
    return ASH_OK;
}
