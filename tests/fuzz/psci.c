/* SPDX-License-Identifier: BSD-2-Clause */
/* Sequences of firmware calls by all vCPUs of a VM, with the hypervisor starting and stopping what it is told to,
 * late. Against a model of the power states (PSCI DEN0022 5.6 "CPU_ON", 5.7 "AFFINITY_INFO"). Input: a program. */
#include "fuzz.h"

#include <libvcpu/psci.h>

#define CPUS     4U
#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x10000000)

#define ALLOWED UINT32_C(0xc2000007) /* a SiP service that the configuration lets through */

static const uint64_t mpidr[CPUS] = {0, 1, 0x100, UINT64_C(0x100000000)};

static struct {
    struct ash_vcpu_psci psci;
    struct ash_vcpu_psci_cpu cpus[CPUS];
    struct ash_vcpu_ipa_range ram;
    enum ash_vcpu_power power[CPUS]; /* the model's */
    bool smc;
} vm;

static const uint32_t functions[] = {ASH_VCPU_SMCCC_VERSION,
                                     ASH_VCPU_SMCCC_ARCH_FEATURES,
                                     ASH_VCPU_PSCI_VERSION,
                                     ASH_VCPU_PSCI_CPU_SUSPEND,
                                     ASH_VCPU_PSCI_CPU_SUSPEND64,
                                     ASH_VCPU_PSCI_CPU_OFF,
                                     ASH_VCPU_PSCI_CPU_ON,
                                     ASH_VCPU_PSCI_CPU_ON64,
                                     ASH_VCPU_PSCI_AFFINITY_INFO,
                                     ASH_VCPU_PSCI_AFFINITY_INFO64,
                                     ASH_VCPU_PSCI_MIGRATE_INFO_TYPE,
                                     ASH_VCPU_PSCI_SYSTEM_OFF,
                                     ASH_VCPU_PSCI_SYSTEM_RESET,
                                     ASH_VCPU_PSCI_FEATURES,
                                     ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND,
                                     ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND64,
                                     ASH_VCPU_PSCI_SYSTEM_SUSPEND,
                                     ASH_VCPU_PSCI_SYSTEM_SUSPEND64,
                                     ASH_VCPU_PSCI_SYSTEM_RESET2,
                                     ASH_VCPU_PSCI_SYSTEM_RESET2_64,
                                     ASH_VCPU_SMCCC_ARCH_SOC_ID,
                                     ASH_VCPU_SMCCC_WORKAROUND_1,
                                     ASH_VCPU_SMCCC_WORKAROUND_2,
                                     ASH_VCPU_SMCCC_WORKAROUND_3,
                                     ASH_VCPU_SMCCC_VENDOR_HYP_UID,
                                     ASH_VCPU_SMCCC_VENDOR_HYP_REVISION,
                                     ASH_VCPU_TRNG_VERSION,
                                     ASH_VCPU_TRNG_FEATURES,
                                     ASH_VCPU_TRNG_GET_UUID,
                                     ASH_VCPU_TRNG_RND,
                                     ASH_VCPU_TRNG_RND64,
                                     ALLOWED};

static const uint32_t allowed = ALLOWED;

static int entropy(void *ctx, uint64_t *words, unsigned count)
{
    FUZZ_CHECK(ctx == &vm && count == 3U);
    words[0] = words[1] = words[2] = UINT64_MAX;
    return ASH_OK;
}

static void mitigate(void *ctx, uint32_t function, uint64_t argument)
{
    (void)argument;
    FUZZ_CHECK(ctx == &vm && function == ASH_VCPU_SMCCC_WORKAROUND_1);
}

static const struct ash_vcpu_psci_hal hal = {sizeof(hal), entropy, mitigate};

static void boot(struct fuzz_input *in)
{
    struct ash_vcpu_psci_config config = {
        .size = sizeof(config),
        .cpus = vm.cpus,
        .cpu_count = CPUS,
        .boot_cpu = fuzz_below(in, CPUS),
        .entry_ranges = &vm.ram,
        .entry_range_count = 1,
        .hvc = true,
        .system_suspend = fuzz_below(in, 2) != 0U,
        .hypervisor_uid = {1, 2, 3, 4},
        .workaround = {ASH_VCPU_WORKAROUND_NEEDED, ASH_VCPU_WORKAROUND_NOT_NEEDED},
        .smc_allow = &allowed,
        .smc_allow_count = 1};

    vm.ram = (struct ash_vcpu_ipa_range){ash_ipa(RAM_BASE), RAM_SIZE};
    vm.smc = fuzz_below(in, 2) != 0U;
    config.smc = vm.smc;
    for (unsigned i = 0; i < CPUS; i++) {
        vm.cpus[i] = (struct ash_vcpu_psci_cpu){.mpidr = mpidr[i], .power = 0xA5};
        vm.power[i] = i == config.boot_cpu ? ASH_VCPU_POWER_ON : ASH_VCPU_POWER_OFF;
    }
    FUZZ_CHECK(ash_vcpu_psci_init(&vm.psci, &config, &hal, &vm) == ASH_OK);
}

static unsigned find(uint64_t target)
{
    for (unsigned i = 0; i < CPUS; i++) {
        if (mpidr[i] == target) {
            return i;
        }
    }
    return CPUS;
}

/* What CPU_ON has to answer; DEN0022 5.6.2. */
static int64_t expect_cpu_on(uint64_t target, uint64_t entry)
{
    const unsigned cpu = find(target);

    if (cpu == CPUS) {
        return ASH_VCPU_PSCI_INVALID_PARAMETERS;
    }
    if (vm.power[cpu] != ASH_VCPU_POWER_OFF) {
        return vm.power[cpu] == ASH_VCPU_POWER_ON ? ASH_VCPU_PSCI_ALREADY_ON : ASH_VCPU_PSCI_ON_PENDING;
    }
    return entry >= RAM_BASE && entry < RAM_BASE + RAM_SIZE && entry % 4U == 0U
               ? ASH_VCPU_PSCI_SUCCESS
               : ASH_VCPU_PSCI_INVALID_ADDRESS;
}

static int64_t expect_affinity_info(uint64_t target, uint64_t level)
{
    const unsigned cpu = find(target);

    if (level != 0U || cpu == CPUS) {
        return ASH_VCPU_PSCI_INVALID_PARAMETERS;
    }
    return vm.power[cpu];
}

static void check_cpu_on(const uint64_t *asked, int64_t result, const struct ash_vcpu_action *action,
                         bool wide)
{
    const uint64_t mask = wide ? UINT64_MAX : UINT32_MAX;
    const int64_t expected = expect_cpu_on(asked[1] & mask, asked[2] & mask);
    const unsigned cpu = find(asked[1] & mask);

    /* Which of two mistakes is reported is not said. */
    FUZZ_CHECK((result == ASH_VCPU_PSCI_SUCCESS) == (expected == ASH_VCPU_PSCI_SUCCESS));
    FUZZ_CHECK(result == expected || result == ASH_VCPU_PSCI_INVALID_ADDRESS);
    if (result == ASH_VCPU_PSCI_SUCCESS) {
        FUZZ_CHECK(action->kind == ASH_VCPU_ACTION_CPU_ON && action->target == cpu);
        FUZZ_CHECK(action->entry.value == (asked[2] & mask) && action->context_id == (asked[3] & mask));
        vm.power[cpu] = ASH_VCPU_POWER_ON_PENDING;
    } else {
        FUZZ_CHECK(action->kind == ASH_VCPU_ACTION_NONE);
    }
}

/* A way down ends in RAM; nobody else's state changes. */
static void check_suspend(int64_t result, const struct ash_vcpu_action *action)
{
    FUZZ_CHECK((result == ASH_VCPU_PSCI_SUCCESS) == (action->kind != ASH_VCPU_ACTION_NONE));
    FUZZ_CHECK(action->kind == ASH_VCPU_ACTION_NONE || action->kind == ASH_VCPU_ACTION_STANDBY ||
               action->kind == ASH_VCPU_ACTION_POWER_DOWN || action->kind == ASH_VCPU_ACTION_SYSTEM_SUSPEND);
    if (action->kind == ASH_VCPU_ACTION_POWER_DOWN || action->kind == ASH_VCPU_ACTION_SYSTEM_SUSPEND) {
        FUZZ_CHECK(action->entry.value >= RAM_BASE && action->entry.value < RAM_BASE + RAM_SIZE);
    }
}

/* Which functions return more than x0 (DEN0098 2, DEN0028 6.2). */
static bool has_results(uint32_t id)
{
    return id == ASH_VCPU_TRNG_GET_UUID || id == ASH_VCPU_TRNG_RND || id == ASH_VCPU_TRNG_RND64 ||
           id == ASH_VCPU_SMCCC_VENDOR_HYP_UID || id == ASH_VCPU_SMCCC_VENDOR_HYP_REVISION;
}

static void check_answer(const uint64_t *asked, int64_t result, const struct ash_vcpu_action *action)
{
    switch ((uint32_t)asked[0]) {
    case ASH_VCPU_PSCI_CPU_ON:
    case ASH_VCPU_PSCI_CPU_ON64:
        check_cpu_on(asked, result, action, (asked[0] & 0x40000000U) != 0U);
        break;
    case ASH_VCPU_PSCI_AFFINITY_INFO:
        FUZZ_CHECK(result == expect_affinity_info((uint32_t)asked[1], (uint32_t)asked[2]));
        break;
    case ASH_VCPU_PSCI_AFFINITY_INFO64:
        FUZZ_CHECK(result == expect_affinity_info(asked[1], (uint32_t)asked[2]));
        break;
    case ASH_VCPU_PSCI_VERSION:
        FUZZ_CHECK(result == 0x10001);
        break;
    case ASH_VCPU_PSCI_CPU_OFF:
        FUZZ_CHECK(action->kind == ASH_VCPU_ACTION_CPU_OFF);
        break;
    case ASH_VCPU_PSCI_SYSTEM_OFF:
        FUZZ_CHECK(action->kind == ASH_VCPU_ACTION_SYSTEM_OFF);
        break;
    case ASH_VCPU_PSCI_SYSTEM_RESET:
        FUZZ_CHECK(action->kind == ASH_VCPU_ACTION_SYSTEM_RESET);
        break;
    case ASH_VCPU_PSCI_CPU_SUSPEND:
    case ASH_VCPU_PSCI_CPU_SUSPEND64:
    case ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND:
    case ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND64:
    case ASH_VCPU_PSCI_SYSTEM_SUSPEND:
    case ASH_VCPU_PSCI_SYSTEM_SUSPEND64:
        check_suspend(result, action);
        break;
    default:
        FUZZ_CHECK(action->kind != ASH_VCPU_ACTION_CPU_ON && action->kind != ASH_VCPU_ACTION_CPU_OFF);
        break;
    }
}

static uint64_t argument(struct fuzz_input *in)
{
    const uint8_t kind = fuzz_u8(in);

    if (kind < 128U) {
        return mpidr[kind % CPUS];
    }
    return kind < 192U ? RAM_BASE + ((uint64_t)(kind % 4U) << 26) : fuzz_edge(in);
}

static void call(struct fuzz_input *in)
{
    const unsigned vcpu = fuzz_below(in, CPUS);
    const uint8_t which = fuzz_u8(in);
    const bool by_smc = (which & 0x80U) != 0U;
    const uint16_t immediate = (which & 0x7fU) == 0x7fU ? 1U : 0U;
    struct ash_vcpu_action action = {.target = 77};
    uint64_t x[4];
    uint64_t asked[4];
    int result;

    x[0] = (which & 0x40U) != 0U ? fuzz_u64(in) : functions[which % (sizeof(functions) / 4U)];
    for (unsigned i = 1; i < 4U; i++) {
        x[i] = argument(in);
    }
    memcpy(asked, x, sizeof(x));
    result = ash_vcpu_smccc_call(&vm.psci, vcpu, x, by_smc ? ASH_VCPU_CONDUIT_SMC : ASH_VCPU_CONDUIT_HVC,
                                 immediate, &action);
    if (!has_results((uint32_t)asked[0])) {
        FUZZ_CHECK(memcmp(&x[1], &asked[1], 3U * sizeof(x[0])) == 0); /* SMCCC 1.2: unused results */
    }
    if (by_smc && !vm.smc) {
        FUZZ_CHECK(result == ASH_EGUEST && x[0] == asked[0]);
        return;
    }
    FUZZ_CHECK(result == ASH_OK);
    if (immediate != 0U) {
        FUZZ_CHECK((uint32_t)x[0] == UINT32_MAX && action.kind == ASH_VCPU_ACTION_NONE);
        return;
    }
    if (action.kind == ASH_VCPU_ACTION_FORWARD) {
        FUZZ_CHECK(by_smc && (uint32_t)asked[0] == ALLOWED && memcmp(x, asked, sizeof(x)) == 0);
        return;
    }
    if ((asked[0] & 0x40000000U) == 0U) {
        FUZZ_CHECK(x[0] <= UINT32_MAX); /* W0 */
        x[0] = (uint64_t)(int32_t)x[0];
    }
    check_answer(asked, (int64_t)x[0], &action);
}

static void started_or_stopped(struct fuzz_input *in)
{
    const unsigned vcpu = fuzz_below(in, CPUS + 1U);
    const bool start = fuzz_below(in, 2) != 0U;
    const int result = start ? ash_vcpu_psci_started(&vm.psci, vcpu) : ash_vcpu_psci_stopped(&vm.psci, vcpu);
    const enum ash_vcpu_power was = vcpu < CPUS ? vm.power[vcpu] : ASH_VCPU_POWER_OFF;
    const bool good = start ? was == ASH_VCPU_POWER_ON_PENDING : was != ASH_VCPU_POWER_OFF;

    FUZZ_CHECK(result == (vcpu == CPUS ? ASH_EINVAL : good ? ASH_OK : ASH_EBUSY));
    if (result == ASH_OK) {
        vm.power[vcpu] = start ? ASH_VCPU_POWER_ON : ASH_VCPU_POWER_OFF;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    boot(&in);
    while (fuzz_more(&in)) {
        const uint8_t op = fuzz_u8(&in);

        if (op == 0xffU) {
            boot(&in);
        } else if (op >= 0xc0U) {
            started_or_stopped(&in);
        } else {
            call(&in);
        }
        for (unsigned i = 0; i < CPUS; i++) {
            FUZZ_CHECK(ash_vcpu_psci_power(&vm.psci, i) == vm.power[i]);
        }
        FUZZ_CHECK(ash_vcpu_psci_power(&vm.psci, CPUS) == ASH_VCPU_POWER_OFF);
    }
    return 0;
}
