/* SPDX-License-Identifier: BSD-2-Clause */
#include <testkit/cmocka.h>

#include <string.h>

#include <libvcpu/psci.h>
#include <libvcpu/pvtime.h>
#include <testkit/seed.h>

#define CPUS     3U
#define RAM_BASE UINT64_C(0x40000000)
#define ENTRY    UINT64_C(0x40200000)
#define JUNK     UINT64_C(0xdeadbeef00000000)
#define KEPT     UINT64_C(0x5a5a5a5a5a5a5a5a)

static const struct ash_vcpu_ipa_range ram[] = {{{RAM_BASE}, 0x1000000}};

struct fixture {
    struct ash_vcpu_psci psci;
    struct ash_vcpu_psci_cpu cpus[CPUS];
    struct ash_vcpu_psci_config config;
    struct ash_vcpu_action action;
    uint64_t x[18];
    bool dry;
    unsigned asked;     /* of the entropy source */
    uint32_t mitigated; /* the last function */
    uint64_t argument;
};

static int entropy(void *ctx, uint64_t *words, unsigned count)
{
    struct fixture *f = (struct fixture *)ctx;

    f->asked++;
    for (unsigned i = 0; i < count; i++) {
        words[i] = UINT64_C(0xf1e2d3c4b5a69788) + i * UINT64_C(0x0101010101010101);
    }
    return f->dry ? ASH_ENOENT : ASH_OK;
}

static void mitigate(void *ctx, uint32_t function, uint64_t argument)
{
    struct fixture *f = (struct fixture *)ctx;

    f->mitigated = function;
    f->argument = argument;
}

static const struct ash_vcpu_psci_hal hal = {.size = sizeof(hal), .entropy = entropy, .mitigate = mitigate};

static void begin(struct fixture *f)
{
    assert_int_equal(ash_vcpu_psci_init(&f->psci, &f->config, &hal, f), ASH_OK);
}

static void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    for (unsigned i = 0; i < CPUS; i++) {
        f->cpus[i].mpidr = i;
    }
    f->config = (struct ash_vcpu_psci_config){.size = sizeof(f->config),
                                              .cpus = f->cpus,
                                              .cpu_count = CPUS,
                                              .entry_ranges = ram,
                                              .entry_range_count = 1,
                                              .hvc = true,
                                              .smc = true,
                                              .system_suspend = true};
    begin(f);
}

/* By vCPU 0. x4..x17 come back as they went, whatever is called. */
static uint64_t call_by(struct fixture *f, enum ash_vcpu_conduit conduit, uint64_t x0, uint64_t x1,
                        uint64_t x2, uint64_t x3)
{
    for (unsigned i = 0; i < 18U; i++) {
        f->x[i] = KEPT;
    }
    f->x[0] = x0;
    f->x[1] = x1;
    f->x[2] = x2;
    f->x[3] = x3;
    memset(&f->action, 0xff, sizeof(f->action));
    assert_int_equal(ash_vcpu_smccc_call(&f->psci, 0, f->x, conduit, 0, &f->action), ASH_OK);
    for (unsigned i = 4; i < 18U; i++) {
        assert_int_equal(f->x[i], KEPT);
    }
    return f->x[0];
}

static uint64_t call(struct fixture *f, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
    uint64_t result = call_by(f, ASH_VCPU_CONDUIT_HVC, x0, x1, x2, x3);

    assert_int_not_equal(f->action.kind, ASH_VCPU_ACTION_FORWARD);
    return result;
}

/* Without results x1..x3 are the caller's. */
static void assert_x1_to_x3(const struct fixture *f, uint64_t x1, uint64_t x2, uint64_t x3)
{
    assert_int_equal(f->x[1], x1);
    assert_int_equal(f->x[2], x2);
    assert_int_equal(f->x[3], x3);
}

static uint64_t w(int result)
{
    return (uint32_t)result;
}

static uint64_t x(int result)
{
    return (uint64_t)(int64_t)result;
}

/* ---- Suspending ---- */

static void cpu_suspend_stands_by_or_powers_down(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_SUSPEND64, 0x0300ffff, 1, 2), 0); /* any level, any StateID */
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_STANDBY); /* the entry does not matter */
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_SUSPEND64, JUNK | 0x10000, ENTRY, JUNK | 7U), 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_POWER_DOWN);
    assert_int_equal(f.action.entry.value, ENTRY);
    assert_int_equal(f.action.context_id, JUNK | 7U);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_SUSPEND, 0x10000, JUNK | ENTRY, JUNK | 7U), 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_POWER_DOWN);
    assert_int_equal(f.action.entry.value, ENTRY);
    assert_int_equal(f.action.context_id, 7);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_SUSPEND64, 0x10000, 0x1000, 0), x(-9));
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_SUSPEND64, 0x10000, ENTRY + 2U, 0), x(-9));
    assert_x1_to_x3(&f, 0x10000, ENTRY + 2U, 0);
    assert_int_equal(ash_vcpu_psci_power(&f.psci, 0), ASH_VCPU_POWER_ON);
}

static void reserved_bits_of_power_state_are_refused(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    for (unsigned bit = 0; bit < 64; bit++) {
        bool reserved = (bit >= 17U && bit <= 23U) || (bit >= 26U && bit <= 31U);

        assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_SUSPEND64, ASH_BIT(bit), ENTRY, 0), reserved ? x(-2) : 0);
        assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_SUSPEND, ASH_BIT(bit), ENTRY, 0), reserved ? w(-2) : 0);
        assert_int_equal(f.action.kind == ASH_VCPU_ACTION_NONE, reserved);
    }
}

static void cpu_default_suspend_powers_down(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND64, ENTRY, JUNK | 1U, 0), 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_POWER_DOWN);
    assert_int_equal(f.action.entry.value, ENTRY);
    assert_int_equal(f.action.context_id, JUNK | 1U);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND, JUNK | ENTRY, JUNK | 1U, 0), 0);
    assert_int_equal(f.action.context_id, 1);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_DEFAULT_SUSPEND, 0, 0, 0), w(-9));
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
}

static void system_suspend_is_for_the_last_cpu_that_is_on(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_SYSTEM_SUSPEND64, ENTRY, JUNK, 0), 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_SYSTEM_SUSPEND);
    assert_int_equal(f.action.entry.value, ENTRY);
    assert_int_equal(f.action.context_id, JUNK);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_SYSTEM_SUSPEND, JUNK | ENTRY, JUNK | 3U, 0), 0);
    assert_int_equal(f.action.context_id, 3);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_SYSTEM_SUSPEND64, 0, 0, 0), x(-9));
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
    /* One more that is coming, that is on, that has gone. */
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON64, 2, ENTRY, 0), 0);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_SYSTEM_SUSPEND64, ENTRY, 0, 0), x(-3));
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
    assert_int_equal(ash_vcpu_psci_started(&f.psci, 2), ASH_OK);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_SYSTEM_SUSPEND, ENTRY, 0, 0), w(-3));
    assert_int_equal(ash_vcpu_psci_stopped(&f.psci, 2), ASH_OK);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_SYSTEM_SUSPEND64, ENTRY, 0, 0), 0);
    f.config.system_suspend = false;
    begin(&f);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_SYSTEM_SUSPEND64, ENTRY, 0, 0), x(-1));
    assert_int_equal(call(&f, ASH_VCPU_PSCI_SYSTEM_SUSPEND, ENTRY, 0, 0), w(-1));
    assert_int_equal(call(&f, ASH_VCPU_PSCI_FEATURES, ASH_VCPU_PSCI_SYSTEM_SUSPEND64, 0, 0), w(-1));
    assert_int_equal(call(&f, ASH_VCPU_PSCI_FEATURES, ASH_VCPU_PSCI_SYSTEM_SUSPEND, 0, 0), w(-1));
}

static void system_reset2_knows_the_warm_reset_only(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    (void)call(&f, ASH_VCPU_PSCI_SYSTEM_RESET2, JUNK, JUNK, 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_SYSTEM_RESET);
    (void)call(&f, ASH_VCPU_PSCI_SYSTEM_RESET2_64, JUNK, 1, 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_SYSTEM_RESET);
    for (unsigned bit = 0; bit < 32; bit++) {
        assert_int_equal(call(&f, ASH_VCPU_PSCI_SYSTEM_RESET2, ASH_BIT(bit), 0, 0), w(-2));
        assert_int_equal(call(&f, ASH_VCPU_PSCI_SYSTEM_RESET2_64, ASH_BIT(bit), 0, 0), x(-2));
        assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
    }
}

/* DEN0022 5.1: what is optional and not there. */
static void optional_functions_that_are_not_there_say_so(void **state)
{
    static const uint32_t ids[] = {
        0x84000005, 0xc4000005, /* MIGRATE */
        0x84000007, 0xc4000007, /* MIGRATE_INFO_UP_CPU */
        0x8400000b,             /* CPU_FREEZE */
        0x8400000d, 0xc400000d, /* NODE_HW_STATE */
        0x8400000f,             /* PSCI_SET_SUSPEND_MODE */
        0x84000010, 0xc4000010, /* PSCI_STAT_RESIDENCY */
        0x84000011, 0xc4000011, /* PSCI_STAT_COUNT */
        0x84000013,             /* MEM_PROTECT */
        0x84000014, 0xc4000014, /* MEM_PROTECT_CHECK_RANGE */
        0xc4000000, 0xc4000002, 0xc4000006,
        0xc4000008, 0xc4000009, 0xc400000a, /* 64-bit ids of 32-bit functions */
    };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < ASH_ARRAY_SIZE(ids); i++) {
        assert_int_equal(call(&f, ids[i], 0, ENTRY, 0), (ids[i] & 0x40000000U) != 0U ? x(-1) : w(-1));
        assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
        assert_x1_to_x3(&f, 0, ENTRY, 0);
        assert_int_equal(call(&f, ASH_VCPU_PSCI_FEATURES, ids[i], 0, 0), w(-1));
    }
}

/* ---- Arm Architecture calls ---- */

static const uint32_t workarounds[] = {0x80008000, 0x80007fff, 0x80003fff};

static void workarounds_are_as_the_configuration_says(void **state)
{
    static const uint64_t features[] = {0xffffffff, 1, 0};

    (void)state;
    for (unsigned which = 0; which < 3; which++) {
        for (unsigned how = 0; how < 3; how++) {
            struct fixture f;

            fixture_init(&f);
            f.config.workaround[which] = (enum ash_vcpu_workaround)how;
            begin(&f);
            for (unsigned asked = 0; asked < 3; asked++) {
                uint64_t expected = asked == which ? features[how] : UINT32_MAX;

                assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_FEATURES, JUNK | workarounds[asked], 0, 0),
                                 expected);
                assert_int_equal(f.mitigated, 0);
            }
            assert_int_equal(call(&f, workarounds[which], JUNK | 1U, 2, 3), how == 0U ? w(-1) : 0);
            assert_x1_to_x3(&f, JUNK | 1U, 2, 3);
            assert_int_equal(f.mitigated, how == ASH_VCPU_WORKAROUND_NEEDED ? workarounds[which] : 0);
            assert_int_equal(f.argument, how == ASH_VCPU_WORKAROUND_NEEDED ? 1 : 0);
        }
    }
}

static void the_soc_is_named_if_it_is_known(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_SOC_ID, 0, 0, 0), w(-1));
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_FEATURES, ASH_VCPU_SMCCC_ARCH_SOC_ID, 0, 0), w(-1));
    f.config.has_soc_id = true;
    f.config.soc_version = 0x043b0001;
    f.config.soc_revision = 5;
    begin(&f);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_FEATURES, ASH_VCPU_SMCCC_ARCH_SOC_ID, 0, 0), 0);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_SOC_ID, JUNK, 0, 0), 0x043b0001);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_SOC_ID, 1, 0, 0), 5);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_SOC_ID, 2, 0, 0), w(-3));
}

/* DEN0057: by SMC64 or HVC64 only; found by SMCCC_ARCH_FEATURES, the rest of it by PV_TIME_FEATURES. */
static void stolen_time_is_where_the_configuration_says(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_FEATURES, ASH_VCPU_PV_TIME_FEATURES, 0, 0), w(-1));
    assert_int_equal(call(&f, ASH_VCPU_PV_TIME_FEATURES, ASH_VCPU_PV_TIME_ST, 0, 0), x(-1));
    assert_int_equal(call(&f, ASH_VCPU_PV_TIME_ST, 0, 0, 0), x(-1));
    f.config.has_stolen_time = true;
    f.config.stolen_time = ash_ipa(0x090a0020);
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &f.config, &hal, &f), ASH_EINVAL);
    f.config.stolen_time = ash_ipa(UINT64_C(0x1090a0040));
    begin(&f);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_FEATURES, JUNK | ASH_VCPU_PV_TIME_FEATURES, 0, 0), 0);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_FEATURES, ASH_VCPU_PV_TIME_ST, 0, 0), w(-1));
    assert_int_equal(call(&f, ASH_VCPU_PV_TIME_FEATURES, ASH_VCPU_PV_TIME_FEATURES, 0, 0), 0);
    assert_int_equal(call(&f, ASH_VCPU_PV_TIME_FEATURES, JUNK | ASH_VCPU_PV_TIME_ST, 0, 0), 0);
    assert_int_equal(call(&f, ASH_VCPU_PV_TIME_FEATURES, 0xc5000022, 0, 0), x(-1));
    assert_int_equal(call(&f, ASH_VCPU_PV_TIME_FEATURES, ASH_VCPU_PSCI_VERSION, 0, 0), x(-1));
    assert_int_equal(call(&f, 0x85000021, 0, 0, 0), w(-1));
    for (unsigned vcpu = 0; vcpu < CPUS; vcpu++) {
        uint64_t regs[4] = {ASH_VCPU_PV_TIME_ST, 1, 2, 3};

        assert_int_equal(ash_vcpu_smccc_call(&f.psci, vcpu, regs, ASH_VCPU_CONDUIT_HVC, 0, &f.action),
                         ASH_OK);
        assert_int_equal(regs[0], UINT64_C(0x1090a0040) + 64U * vcpu);
        assert_int_equal(regs[1], 1);
        assert_int_equal(regs[3], 3);
    }
}

static void ticks_become_nanoseconds_without_overflow(void **state)
{
    (void)state;
    assert_int_equal(ash_vcpu_stolen_ns(0, 62500000), 0);
    assert_int_equal(ash_vcpu_stolen_ns(1, 62500000), 16);
    assert_int_equal(ash_vcpu_stolen_ns(1, 3), 333333333);
    assert_int_equal(ash_vcpu_stolen_ns(UINT64_C(1) << 54, 62500000), UINT64_C(1) << 58);
    assert_int_equal(ash_vcpu_stolen_ns(UINT64_MAX / 2U, 1000000000), UINT64_MAX / 2U);
}

static void the_hypervisor_has_a_uid_of_four_words(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_VENDOR_HYP_UID, 1, 2, 3), w(-1));
    assert_x1_to_x3(&f, 1, 2, 3);
    f.config.hypervisor_uid[3] = 0x80000004;
    f.config.hypervisor_uid[0] = 0x80000001;
    f.config.hypervisor_revision[0] = 3;
    f.config.hypervisor_revision[1] = 9;
    begin(&f);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_VENDOR_HYP_UID, 1, 2, 3), 0x80000001);
    assert_x1_to_x3(&f, 0, 0, 0x80000004);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_VENDOR_HYP_REVISION, 1, 2, 3), 3);
    assert_x1_to_x3(&f, 9, 2, 3);
}

/* ---- TRNG ---- */

static void trng_is_there_if_there_is_entropy(void **state)
{
    static const struct ash_vcpu_psci_hal without = {.size = sizeof(without)};
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.config.trng_uuid[0] = 0x11;
    f.config.trng_uuid[3] = 0xffffffff;
    begin(&f);
    assert_int_equal(call(&f, 0x84000050, 0, 0, 0), 0x10000);
    for (uint32_t id = 0x84000040; id < 0x84000060; id++) {
        bool there = id >= 0x84000050 && id <= 0x84000053;

        assert_int_equal(call(&f, 0x84000051, JUNK | id, 0, 0), there ? 0 : w(-1));
        assert_int_equal(call(&f, 0x84000051, id | 0x40000000U, 0, 0), id == 0x84000053 ? 0 : w(-1));
        if (!there) {
            assert_int_equal(call(&f, id, 1, 0, 0), w(-1));
        }
    }
    assert_int_equal(call(&f, 0x84000052, 1, 2, 3), 0x11);
    assert_x1_to_x3(&f, 0, 0, 0xffffffff);
    for (uint32_t id = 0x84000050; id < 0x84000054; id++) {
        assert_int_equal(ash_vcpu_psci_init(&f.psci, &f.config, &without, NULL), ASH_OK);
        assert_int_equal(call(&f, id, 32, 0, 0), w(-1));
        assert_int_equal(ash_vcpu_psci_init(&f.psci, &f.config, NULL, NULL), ASH_OK);
        assert_int_equal(call(&f, id, 32, 0, 0), w(-1));
    }
    assert_int_equal(f.asked, 0);
}

/* DEN0098 2.5: N bits, the lowest in x3; all above N is zero. */
static void random_bits_come_lowest_in_x3_and_no_more_than_asked_for(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    for (unsigned width = 32; width <= 64; width += 32) {
        uint64_t id = width == 64U ? ASH_VCPU_TRNG_RND64 : ASH_VCPU_TRNG_RND;

        for (unsigned bits = 1; bits <= 3U * width; bits++) {
            assert_int_equal(call(&f, id, bits, KEPT, KEPT), 0);
            for (unsigned bit = 0; bit < 192; bit++) {
                unsigned reg = 3U - bit / 64U;
                uint64_t word = UINT64_C(0xf1e2d3c4b5a69788) + (bit / 64U) * UINT64_C(0x0101010101010101);
                /* Of RND32 the three words are the low halves of the three. */
                unsigned place = width == 64U ? bit : (bit / 64U) * 32U + bit % 64U;
                bool in = (width == 64U || bit % 64U < 32U) && place < bits;

                assert_int_equal((f.x[reg] >> (bit % 64U)) & 1U, in ? (word >> (bit % 64U)) & 1U : 0U);
            }
        }
        f.asked = 0;
        assert_int_equal(call(&f, id, 0, KEPT, KEPT), width == 64U ? x(-2) : w(-2));
        assert_x1_to_x3(&f, 0, 0, 0);
        assert_int_equal(call(&f, id, 3U * width + 1U, KEPT, KEPT), width == 64U ? x(-2) : w(-2));
        assert_int_equal(call(&f, id, width == 64U ? UINT64_MAX : UINT32_MAX, 0, 0),
                         width == 64U ? x(-2) : w(-2));
        assert_int_equal(f.asked, 0);
        f.dry = true;
        assert_int_equal(call(&f, id, 8, KEPT, KEPT), width == 64U ? x(-3) : w(-3));
        assert_x1_to_x3(&f, 0, 0, 0);
        f.dry = false;
    }
}

/* ---- smc-allow ---- */

static void only_an_smc_that_the_configuration_names_is_forwarded(void **state)
{
    static const uint32_t allow[] = {0x82000001, 0xb2000003, 0x32000000};
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.config.smc_allow = allow;
    f.config.smc_allow_count = 3;
    begin(&f);
    for (size_t i = 0; i < ASH_ARRAY_SIZE(allow); i++) {
        (void)call_by(&f, ASH_VCPU_CONDUIT_SMC, JUNK | allow[i], 1, 2, 3);
        assert_int_equal(f.action.kind, ASH_VCPU_ACTION_FORWARD);
        assert_int_equal(f.x[0], JUNK | allow[i]);
        assert_x1_to_x3(&f, 1, 2, 3);
        /* By HVC, with another width, with an immediate: no. */
        assert_int_equal(call(&f, allow[i], 1, 2, 3), w(-1));
        (void)call_by(&f, ASH_VCPU_CONDUIT_SMC, allow[i] | 0x40000000U, 1, 2, 3);
        assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
        f.x[0] = allow[i];
        assert_int_equal(ash_vcpu_smccc_call(&f.psci, 0, f.x, ASH_VCPU_CONDUIT_SMC, 1, &f.action), ASH_OK);
        assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
        assert_int_equal(f.x[0], w(-1));
    }
}

static void any_other_smc_stays_here(void **state)
{
    static const uint32_t allow[] = {0x82000001};
    struct fixture f;
    struct test_rng rng;

    (void)state;
    (void)test_rng_init(&rng, "unit_vcpu_smccc");
    fixture_init(&f);
    f.config.smc_allow = allow;
    f.config.smc_allow_count = 1;
    for (unsigned i = 0; i < 100000; i++) {
        uint32_t id = (uint32_t)test_rng_next(&rng);

        id = i % 2U == 0U ? (id & 0xff00003fU) : id;
        begin(&f);
        (void)call_by(&f, ASH_VCPU_CONDUIT_SMC, id, 0, ENTRY, 0);
        assert_true((f.action.kind == ASH_VCPU_ACTION_FORWARD) == (id == allow[0]));
    }
}

static void what_is_answered_here_may_not_be_allowed(void **state)
{
    static const uint32_t never[] = {0x80000000, 0x80008000, 0xc0001234, 0x00000000, 0x84000000, 0x84000003,
                                     0xc4000003, 0x8400001f, 0xc400001f, 0x84000050, 0xc400005f};
    static const uint32_t fine[] = {0x84000020, 0x8400004f, 0x84000060, 0x81000000, 0xc2000001,
                                    0x83ffffff, 0xb2000000, 0x32000000, 0xbf00ff01, 0x04000000};
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.config.smc_allow_count = 1;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(never); i++) {
        f.config.smc_allow = &never[i];
        assert_false(ash_vcpu_smc_may_be_allowed(never[i]));
        assert_int_equal(ash_vcpu_psci_init(&f.psci, &f.config, &hal, &f), ASH_EINVAL);
    }
    for (size_t i = 0; i < ASH_ARRAY_SIZE(fine); i++) {
        f.config.smc_allow = &fine[i];
        assert_true(ash_vcpu_smc_may_be_allowed(fine[i]));
        assert_int_equal(ash_vcpu_psci_init(&f.psci, &f.config, &hal, &f), ASH_OK);
    }
}

static void a_bad_configuration_is_refused(void **state)
{
    static const uint32_t many[ASH_VCPU_SMC_ALLOW_MAX + 1U] = {
        0x82000000, 0x82000000, 0x82000000, 0x82000000, 0x82000000, 0x82000000,
        0x82000000, 0x82000000, 0x82000000, 0x82000000, 0x82000000, 0x82000000,
        0x82000000, 0x82000000, 0x82000000, 0x82000000, 0x82000000};
    struct ash_vcpu_psci_hal odd = hal;
    struct fixture f;
    struct ash_vcpu_psci_config bad;

    (void)state;
    fixture_init(&f);
    odd.size--;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &f.config, &odd, &f), ASH_EINVAL);
    bad = f.config;
    bad.workaround[2] = (enum ash_vcpu_workaround)3;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, &hal, &f), ASH_EINVAL);
    bad.workaround[2] = ASH_VCPU_WORKAROUND_NEEDED;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, NULL, &f), ASH_EINVAL);
    odd = hal;
    odd.mitigate = NULL;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, &odd, &f), ASH_EINVAL);
    bad = f.config;
    bad.smc_allow_count = 1;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, &hal, &f), ASH_EINVAL);
    bad.smc_allow = many;
    bad.smc_allow_count = ASH_VCPU_SMC_ALLOW_MAX;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, &hal, &f), ASH_OK);
    bad.smc_allow_count = ASH_VCPU_SMC_ALLOW_MAX + 1U;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, &hal, &f), ASH_EINVAL);
    bad = f.config;
    bad.hypervisor_uid[0] = UINT32_MAX;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, &hal, &f), ASH_EINVAL);
    bad = f.config;
    bad.trng_uuid[0] = UINT32_MAX;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, &hal, &f), ASH_EINVAL);
    bad = f.config;
    bad.soc_revision = UINT32_C(0x80000000);
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, &hal, &f), ASH_EINVAL);
}

/* Of every function, by either conduit, however the workarounds are: no answer, or the one of the call itself. */
static void a_quick_answer_is_the_call_s(void **state)
{
    static const uint32_t ranges[] = {0x80000000, 0x80003ff0, 0x80007ff0, 0x84000000, 0x84000050,
                                      0x8600ff00, 0xc0000000, 0xc4000000, 0xc4000050};
    unsigned quick = 0;

    (void)state;
    for (unsigned round = 0; round < 12U * ASH_ARRAY_SIZE(ranges) * 64U; round++) {
        uint32_t id = ranges[round / 12U / 64U] + round / 12U % 64U;
        enum ash_vcpu_conduit conduit = round % 2U == 0U ? ASH_VCPU_CONDUIT_HVC : ASH_VCPU_CONDUIT_SMC;
        uint64_t x[4] = {JUNK | id, KEPT, KEPT, KEPT};
        struct fixture f;

        fixture_init(&f);
        for (unsigned i = 0; i < 3U; i++) {
            f.config.workaround[i] = (enum ash_vcpu_workaround)(round / 4U % 3U);
        }
        f.config.hvc = round / 2U % 2U == 0U || conduit == ASH_VCPU_CONDUIT_SMC;
        f.config.smc = round / 2U % 2U == 0U || conduit == ASH_VCPU_CONDUIT_HVC;
        begin(&f);
        if (!ash_vcpu_smccc_quick(&f.psci, x, conduit)) {
            assert_int_equal(x[0], JUNK | id);
            continue;
        }
        quick++;
        assert_true(conduit == ASH_VCPU_CONDUIT_HVC ? f.config.hvc : f.config.smc);
        assert_int_equal(x[0], call_by(&f, conduit, JUNK | id, KEPT, KEPT, KEPT));
        assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
        assert_int_equal(f.mitigated, 0);
        for (unsigned i = 1; i < 4U; i++) {
            assert_int_equal(x[i], KEPT);
            assert_int_equal(f.x[i], KEPT);
        }
    }
    /* Two versions with any workarounds, three workarounds with one setting in three; two conduits each. */
    assert_int_equal(quick, 2U * (2U * 3U + 3U));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_suspend_stands_by_or_powers_down),
        cmocka_unit_test(reserved_bits_of_power_state_are_refused),
        cmocka_unit_test(cpu_default_suspend_powers_down),
        cmocka_unit_test(system_suspend_is_for_the_last_cpu_that_is_on),
        cmocka_unit_test(system_reset2_knows_the_warm_reset_only),
        cmocka_unit_test(optional_functions_that_are_not_there_say_so),
        cmocka_unit_test(workarounds_are_as_the_configuration_says),
        cmocka_unit_test(a_quick_answer_is_the_call_s),
        cmocka_unit_test(the_soc_is_named_if_it_is_known),
        cmocka_unit_test(the_hypervisor_has_a_uid_of_four_words),
        cmocka_unit_test(stolen_time_is_where_the_configuration_says),
        cmocka_unit_test(ticks_become_nanoseconds_without_overflow),
        cmocka_unit_test(trng_is_there_if_there_is_entropy),
        cmocka_unit_test(random_bits_come_lowest_in_x3_and_no_more_than_asked_for),
        cmocka_unit_test(only_an_smc_that_the_configuration_names_is_forwarded),
        cmocka_unit_test(any_other_smc_stays_here),
        cmocka_unit_test(what_is_answered_here_may_not_be_allowed),
        cmocka_unit_test(a_bad_configuration_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
