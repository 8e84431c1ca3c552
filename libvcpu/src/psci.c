/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/psci.h>

#include <libbase/checked.h>
#include <libbase/nospec.h>

#include <libvcpu/context.h>

#include "internal.h"

/* MIGRATE_INFO_TYPE: no Trusted OS is there, or one that needs no migration (DEN0022 5.9). MIGRATE and
 * MIGRATE_INFO_UP_CPU are then NOT_SUPPORTED. */
#define MIGRATION_NOT_REQUIRED 2

/* power_state, original format (DEN0022 5.4.2.1): StateID [15:0], StateType [16], PowerLevel [25:24], rest zero. We say
 * in PSCI_FEATURES that it is this format. */
#define POWER_STATE_POWER_DOWN ASH_BIT(16)
#define POWER_STATE_RESERVED   (ASH_MASK(31, 26) | ASH_MASK(23, 17))

/* SYSTEM_RESET2: SYSTEM_WARM_RESET is the only architectural type; bit 31: vendor-specific (DEN0022 5.12). */
#define SYSTEM_WARM_RESET 0U

#define A64_INSTRUCTION_SIZE 4U

static int64_t psci_version(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    (void)psci;
    (void)call;
    return PSCI_1_1;
}

static bool entry_is_valid(const struct ash_vcpu_psci *psci, uint64_t entry)
{
    if (!ash_is_aligned(entry, A64_INSTRUCTION_SIZE)) {
        return false;
    }
    for (unsigned i = 0; i < psci->config.entry_range_count; i++) {
        const struct ash_vcpu_ipa_range *range = &psci->config.entry_ranges[i];

        if (ash_range_within(entry, A64_INSTRUCTION_SIZE, range->base.value, range->size)) {
            return true;
        }
    }
    return psci->config.entry_range_count == 0U;
}

/* Wait, then begin at @entry: the way down of CPU_SUSPEND, CPU_DEFAULT_SUSPEND and SYSTEM_SUSPEND. */
static int64_t go_down(const struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call,
                       enum ash_vcpu_action_kind kind, uint64_t entry, uint64_t context_id)
{
    if (!entry_is_valid(psci, entry)) {
        return ASH_VCPU_PSCI_INVALID_ADDRESS;
    }
    call->action->kind = kind;
    call->action->entry = ash_ipa(entry);
    call->action->context_id = context_id;
    return ASH_VCPU_PSCI_SUCCESS;
}

/* Whatever level and StateID: a vCPU has one way to wait. power_state is a 32-bit parameter of either function. */
static int64_t cpu_suspend(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    uint32_t power_state = (uint32_t)call->arg[0];

    if ((power_state & POWER_STATE_RESERVED) != 0U) {
        return ASH_VCPU_PSCI_INVALID_PARAMETERS;
    }
    if ((power_state & POWER_STATE_POWER_DOWN) != 0U) {
        return go_down(psci, call, ASH_VCPU_ACTION_POWER_DOWN, call->arg[1], call->arg[2]);
    }
    call->action->kind = ASH_VCPU_ACTION_STANDBY;
    return ASH_VCPU_PSCI_SUCCESS;
}

static int64_t cpu_default_suspend(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    return go_down(psci, call, ASH_VCPU_ACTION_POWER_DOWN, call->arg[0], call->arg[1]);
}

/* The caller is the last one that is on (DEN0022 5.20.2). */
static int64_t system_suspend(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    for (unsigned i = 0; i < psci->config.cpu_count; i++) {
        if (i != call->vcpu && psci->config.cpus[i].power != ASH_VCPU_POWER_OFF) {
            return ASH_VCPU_PSCI_DENIED;
        }
    }
    return go_down(psci, call, ASH_VCPU_ACTION_SYSTEM_SUSPEND, call->arg[0], call->arg[1]);
}

static int64_t cpu_off(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    (void)psci;
    call->action->kind = ASH_VCPU_ACTION_CPU_OFF;
    return ASH_VCPU_PSCI_SUCCESS;
}

/* The vCPU whose affinity is @mpidr; cpu_count if none. Stray bits match nothing. */
static unsigned find_cpu(const struct ash_vcpu_psci *psci, uint64_t mpidr)
{
    unsigned i = 0;

    while (i < psci->config.cpu_count && psci->config.cpus[i].mpidr != mpidr) {
        i++;
    }
    return i;
}

static int64_t cpu_on(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    unsigned target = find_cpu(psci, call->arg[0]);
    struct ash_vcpu_psci_cpu *cpu;

    if (target >= psci->config.cpu_count) {
        return ASH_VCPU_PSCI_INVALID_PARAMETERS;
    }
    cpu = &psci->config.cpus[ash_index_nospec(target, psci->config.cpu_count)];
    if (!entry_is_valid(psci, call->arg[1])) {
        return ASH_VCPU_PSCI_INVALID_ADDRESS;
    }
    if (cpu->power != ASH_VCPU_POWER_OFF) {
        return cpu->power == ASH_VCPU_POWER_ON ? ASH_VCPU_PSCI_ALREADY_ON : ASH_VCPU_PSCI_ON_PENDING;
    }
    cpu->power = ASH_VCPU_POWER_ON_PENDING;
    call->action->kind = ASH_VCPU_ACTION_CPU_ON;
    call->action->target = target;
    call->action->entry = ash_ipa(call->arg[1]);
    call->action->context_id = call->arg[2];
    return ASH_VCPU_PSCI_SUCCESS;
}

/* Affinity levels above 0 are optional since PSCI 1.0, and then INVALID_PARAMETERS (DEN0022 5.7). The level is a
 * 32-bit parameter of either function. */
static int64_t affinity_info(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    unsigned target = find_cpu(psci, call->arg[0]);

    if ((uint32_t)call->arg[1] != 0U || target >= psci->config.cpu_count) {
        return ASH_VCPU_PSCI_INVALID_PARAMETERS;
    }
    return psci->config.cpus[ash_index_nospec(target, psci->config.cpu_count)].power;
}

static int64_t migrate_info_type(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    (void)psci;
    (void)call;
    return MIGRATION_NOT_REQUIRED;
}

static int64_t system_off(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    (void)psci;
    call->action->kind = ASH_VCPU_ACTION_SYSTEM_OFF;
    return ASH_VCPU_PSCI_SUCCESS;
}

static int64_t system_reset(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    (void)psci;
    call->action->kind = ASH_VCPU_ACTION_SYSTEM_RESET;
    return ASH_VCPU_PSCI_SUCCESS;
}

/* A warm reset is as good as the other: nothing of a virtual machine outlives either. reset_type is a 32-bit parameter
 * of either function; no vendor-specific one is defined. */
static int64_t system_reset2(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    if ((uint32_t)call->arg[0] != SYSTEM_WARM_RESET) {
        return ASH_VCPU_PSCI_INVALID_PARAMETERS;
    }
    return system_reset(psci, call);
}

/* SMCCC_VERSION is asked for here too: so a guest learns that SMCCC is 1.1 or later (DEN0028 7.2). The flags of
 * CPU_SUSPEND, 0: original power_state format, platform-coordinated. */
static int64_t psci_features(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    uint32_t id = (uint32_t)call->arg[0];

    return (id == ASH_VCPU_SMCCC_VERSION || ash_vcpu_is_psci_(id)) && ash_vcpu_smccc_find_(psci, id) != NULL
               ? ASH_VCPU_PSCI_SUCCESS
               : ASH_VCPU_PSCI_NOT_SUPPORTED;
}

#define FUNCTION_NUMBERS 32U

#define FUNCTION(id, handler) [(id) % FUNCTION_NUMBERS] = {id, handler}

/* By width and number. */
static const struct ash_vcpu_smccc_function functions[2][FUNCTION_NUMBERS] = {
    {
        FUNCTION(ASH_VCPU_PSCI_VERSION, psci_version),
        FUNCTION(ASH_VCPU_PSCI_CPU_SUSPEND, cpu_suspend),
        FUNCTION(ASH_VCPU_PSCI_CPU_OFF, cpu_off),
        FUNCTION(ASH_VCPU_PSCI_CPU_ON, cpu_on),
        FUNCTION(ASH_VCPU_PSCI_AFFINITY_INFO, affinity_info),
        FUNCTION(ASH_VCPU_PSCI_MIGRATE_INFO_TYPE, migrate_info_type),
        FUNCTION(ASH_VCPU_PSCI_SYSTEM_OFF, system_off),
        FUNCTION(ASH_VCPU_PSCI_SYSTEM_RESET, system_reset),
        FUNCTION(ASH_VCPU_PSCI_FEATURES, psci_features),
        FUNCTION(ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND, cpu_default_suspend),
        FUNCTION(ASH_VCPU_PSCI_SYSTEM_SUSPEND, system_suspend),
        FUNCTION(ASH_VCPU_PSCI_SYSTEM_RESET2, system_reset2),
    },
    {
        FUNCTION(ASH_VCPU_PSCI_CPU_SUSPEND64, cpu_suspend),
        FUNCTION(ASH_VCPU_PSCI_CPU_ON64, cpu_on),
        FUNCTION(ASH_VCPU_PSCI_AFFINITY_INFO64, affinity_info),
        FUNCTION(ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND64, cpu_default_suspend),
        FUNCTION(ASH_VCPU_PSCI_SYSTEM_SUSPEND64, system_suspend),
        FUNCTION(ASH_VCPU_PSCI_SYSTEM_RESET2_64, system_reset2),
    },
};

const struct ash_vcpu_smccc_function *ash_vcpu_psci_find_(const struct ash_vcpu_psci *psci, uint32_t id)
{
    /* Their numbers are small: no search. */
    const struct ash_vcpu_smccc_function *function =
        &functions[(id & SMCCC_64) != 0U ? 1U : 0U][id % FUNCTION_NUMBERS];

    if (function->handler == NULL || (function->handler == system_suspend && !psci->config.system_suspend)) {
        return NULL;
    }
    return function;
}

int ash_vcpu_psci_started(struct ash_vcpu_psci *psci, unsigned vcpu)
{
    if (vcpu >= psci->config.cpu_count) {
        return ASH_EINVAL;
    }
    if (psci->config.cpus[vcpu].power != ASH_VCPU_POWER_ON_PENDING) {
        return ASH_EBUSY;
    }
    psci->config.cpus[vcpu].power = ASH_VCPU_POWER_ON;
    return ASH_OK;
}

int ash_vcpu_psci_stopped(struct ash_vcpu_psci *psci, unsigned vcpu)
{
    if (vcpu >= psci->config.cpu_count) {
        return ASH_EINVAL;
    }
    if (psci->config.cpus[vcpu].power == ASH_VCPU_POWER_OFF) {
        return ASH_EBUSY;
    }
    psci->config.cpus[vcpu].power = ASH_VCPU_POWER_OFF;
    return ASH_OK;
}

enum ash_vcpu_power ash_vcpu_psci_power(const struct ash_vcpu_psci *psci, unsigned vcpu)
{
    return vcpu < psci->config.cpu_count ? (enum ash_vcpu_power)psci->config.cpus[vcpu].power
                                         : ASH_VCPU_POWER_OFF;
}
