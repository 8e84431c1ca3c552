/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvcpu/psci.h>

#include <libbase/checked.h>
#include <libbase/nospec.h>

#include <libvcpu/context.h>

#define PSCI_1_1  INT64_C(0x00010001)
#define SMCCC_1_2 INT64_C(0x00010002)

/* MIGRATE_INFO_TYPE: no Trusted OS is there, or one that needs no migration (DEN0022 5.9). */
#define MIGRATION_NOT_REQUIRED 2

/* SMCCC: bit 30 says that parameters and results are 64 bits wide (DEN0028 2.5). */
#define IS_SMC64 UINT32_C(0x40000000)

#define A64_INSTRUCTION_SIZE 4U

static const struct ash_vcpu_smccc_function *find_function(const struct ash_vcpu_psci *psci, uint32_t id);

static int64_t smccc_version(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    (void)psci;
    (void)call;
    return SMCCC_1_2;
}

/* No workaround of the Arm Architecture range is offered. What PSCI has is asked of PSCI_FEATURES. */
static int64_t arch_features(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    uint32_t id = (uint32_t)call->arg[0];

    (void)psci;
    return id == ASH_VCPU_SMCCC_VERSION || id == ASH_VCPU_SMCCC_ARCH_FEATURES ? ASH_VCPU_PSCI_SUCCESS
                                                                              : ASH_VCPU_PSCI_NOT_SUPPORTED;
}

static int64_t psci_version(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    (void)psci;
    (void)call;
    return PSCI_1_1;
}

/* A CPU may take any requested power-down state as a standby one (DEN0022 5.4): nothing is lost, the call returns
 * at the wake-up event. So neither power_state nor the entry point matters. */
static int64_t cpu_suspend(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    (void)psci;
    call->action->kind = ASH_VCPU_ACTION_STANDBY;
    return ASH_VCPU_PSCI_SUCCESS;
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

/* SMCCC_VERSION is asked for here too: so a guest learns that SMCCC is 1.1 or later (DEN0028 7.2). The flags of
 * CPU_SUSPEND, 0: original power_state format, platform-coordinated. */
static int64_t psci_features(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    uint32_t id = (uint32_t)call->arg[0];
    uint32_t psci_range = id & ~IS_SMC64 & UINT32_C(0xffffffe0);

    if (psci_range != ASH_VCPU_PSCI_VERSION && id != ASH_VCPU_SMCCC_VERSION) {
        return ASH_VCPU_PSCI_NOT_SUPPORTED;
    }
    return find_function(psci, id) != NULL ? ASH_VCPU_PSCI_SUCCESS : ASH_VCPU_PSCI_NOT_SUPPORTED;
}

static const struct ash_vcpu_smccc_function functions[] = {
    {ASH_VCPU_SMCCC_VERSION, smccc_version},
    {ASH_VCPU_SMCCC_ARCH_FEATURES, arch_features},
    {ASH_VCPU_PSCI_VERSION, psci_version},
    {ASH_VCPU_PSCI_CPU_SUSPEND, cpu_suspend},
    {ASH_VCPU_PSCI_CPU_SUSPEND64, cpu_suspend},
    {ASH_VCPU_PSCI_CPU_OFF, cpu_off},
    {ASH_VCPU_PSCI_CPU_ON, cpu_on},
    {ASH_VCPU_PSCI_CPU_ON64, cpu_on},
    {ASH_VCPU_PSCI_AFFINITY_INFO, affinity_info},
    {ASH_VCPU_PSCI_AFFINITY_INFO64, affinity_info},
    {ASH_VCPU_PSCI_MIGRATE_INFO_TYPE, migrate_info_type},
    {ASH_VCPU_PSCI_SYSTEM_OFF, system_off},
    {ASH_VCPU_PSCI_SYSTEM_RESET, system_reset},
    {ASH_VCPU_PSCI_FEATURES, psci_features},
};

static const struct ash_vcpu_smccc_function *find_in(const struct ash_vcpu_smccc_function *table,
                                                     size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].id == id) {
            return &table[i];
        }
    }
    return NULL;
}

static const struct ash_vcpu_smccc_function *find_function(const struct ash_vcpu_psci *psci, uint32_t id)
{
    const struct ash_vcpu_smccc_function *function = find_in(functions, ASH_ARRAY_SIZE(functions), id);

    return function != NULL ? function : find_in(psci->config.vendor, psci->config.vendor_count, id);
}

static bool config_is_valid(const struct ash_vcpu_psci_config *config)
{
    if (config->size != sizeof(*config) || config->cpus == NULL || config->boot_cpu >= config->cpu_count ||
        (config->entry_range_count != 0U && config->entry_ranges == NULL) ||
        (config->vendor_count != 0U && config->vendor == NULL)) {
        return false;
    }
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

int ash_vcpu_psci_init(struct ash_vcpu_psci *psci, const struct ash_vcpu_psci_config *config)
{
    if (!config_is_valid(config)) {
        return ASH_EINVAL;
    }
    psci->config = *config;
    for (unsigned i = 0; i < config->cpu_count; i++) {
        config->cpus[i].power = i == config->boot_cpu ? ASH_VCPU_POWER_ON : ASH_VCPU_POWER_OFF;
    }
    return ASH_OK;
}

static int64_t perform(struct ash_vcpu_psci *psci, unsigned vcpu, const uint64_t *x,
                       struct ash_vcpu_action *action)
{
    uint32_t id = (uint32_t)x[0];
    const struct ash_vcpu_smccc_function *function = find_function(psci, id);
    uint64_t width = (id & IS_SMC64) != 0U ? UINT64_MAX : UINT32_MAX;
    struct ash_vcpu_smccc_call call = {
        .function = id,
        .vcpu = vcpu,
        .arg = {x[1] & width, x[2] & width, x[3] & width},
        .action = action,
    };

    return function != NULL ? function->handler(psci, &call) : ASH_VCPU_PSCI_NOT_SUPPORTED;
}

int ash_vcpu_smccc_call(struct ash_vcpu_psci *psci, unsigned vcpu, uint64_t *x, enum ash_vcpu_conduit conduit,
                        uint16_t immediate, struct ash_vcpu_action *action)
{
    const struct ash_vcpu_action none = {.kind = ASH_VCPU_ACTION_NONE};
    int64_t result = ASH_VCPU_PSCI_NOT_SUPPORTED;

    if (vcpu >= psci->config.cpu_count) {
        return ASH_EINVAL;
    }
    if (!(conduit == ASH_VCPU_CONDUIT_HVC ? psci->config.hvc : psci->config.smc)) {
        return ASH_EGUEST;
    }
    *action = none;
    if (immediate == 0U) {
        result = perform(psci, vcpu, x, action);
    }
    x[0] = ((uint32_t)x[0] & IS_SMC64) != 0U ? (uint64_t)result : (uint32_t)result;
    return ASH_OK;
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
