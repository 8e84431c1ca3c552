/* SPDX-License-Identifier: BSD-2-Clause */
#include <testkit/cmocka.h>

#include <string.h>

#include <libvcpu/context.h>
#include <libvcpu/psci.h>
#include <testkit/seed.h>

#define CPUS     4U
#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x20000000)
#define ENTRY    UINT64_C(0x40200000)
#define JUNK     UINT64_C(0xdeadbeef00000000)

static const uint64_t mpidrs[CPUS] = {0x000, 0x001, 0x100, UINT64_C(0x0100000101)};
static const struct ash_vcpu_ipa_range ram[] = {{{RAM_BASE}, RAM_SIZE}};

struct fixture {
    struct ash_vcpu_psci psci;
    struct ash_vcpu_psci_cpu cpus[CPUS];
    struct ash_vcpu_psci_config config;
    struct ash_vcpu_action action;
};

static void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    for (unsigned i = 0; i < CPUS; i++) {
        f->cpus[i].mpidr = mpidrs[i];
    }
    f->config = (struct ash_vcpu_psci_config){.size = sizeof(f->config),
                                              .cpus = f->cpus,
                                              .cpu_count = CPUS,
                                              .entry_ranges = ram,
                                              .entry_range_count = 1,
                                              .hvc = true,
                                              .smc = true,
                                              .system_suspend = true};
    assert_int_equal(ash_vcpu_psci_init(&f->psci, &f->config, NULL, NULL), ASH_OK);
}

/* One call; x1..x30 must come back as they went. */
static uint64_t call_by(struct fixture *f, unsigned vcpu, enum ash_vcpu_conduit conduit, uint64_t x0,
                        uint64_t x1, uint64_t x2, uint64_t x3)
{
    struct ash_vcpu_context ctx;
    struct ash_vcpu_context before;

    memset(&ctx, 0xee, sizeof(ctx));
    ctx.x[0] = x0;
    ctx.x[1] = x1;
    ctx.x[2] = x2;
    ctx.x[3] = x3;
    before = ctx;
    memset(&f->action, 0xff, sizeof(f->action));
    assert_int_equal(ash_vcpu_smccc_call(&f->psci, vcpu, ctx.x, conduit, 0, &f->action), ASH_OK);
    x0 = ctx.x[0];
    ctx.x[0] = before.x[0];
    assert_memory_equal(&ctx, &before, sizeof(ctx));
    return x0;
}

static uint64_t call(struct fixture *f, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
    return call_by(f, 0, ASH_VCPU_CONDUIT_HVC, x0, x1, x2, x3);
}

static uint64_t w(int result)
{
    return (uint32_t)result;
}

static uint64_t x(int result)
{
    return (uint64_t)(int64_t)result;
}

/* PSCI 1.1 (DEN0022 5.1, table of functions) and SMCCC 1.2: which ids there are here. */
static bool is_function(uint32_t id)
{
    static const uint32_t ids[] = {0x80000000, 0x80000001, 0x84000000, 0x84000001, 0xc4000001,
                                   0x84000002, 0x84000003, 0xc4000003, 0x84000004, 0xc4000004,
                                   0x84000006, 0x84000008, 0x84000009, 0x8400000a, 0x8400000c,
                                   0xc400000c, 0x8400000e, 0xc400000e, 0x84000012, 0xc4000012};

    for (size_t i = 0; i < ASH_ARRAY_SIZE(ids); i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

static void every_function_identifier_has_an_answer_by_both_conduits(void **state)
{
    static const uint32_t bases[] = {0x80000000, 0xc0000000, 0x84000000, 0xc4000000, 0x04000000, 0x44000000,
                                     0x85000000, 0xc5000000, 0x86000000, 0xc6000000, 0x84010000, 0x00000000,
                                     0x80008000, 0x80003f00, 0xbf00ff00, 0xfffffff0};

    (void)state;
    for (size_t base = 0; base < ASH_ARRAY_SIZE(bases); base++) {
        for (uint32_t n = 0; n < 0x100; n++) {
            for (unsigned conduit = 0; conduit < 2; conduit++) {
                uint32_t id = bases[base] + n;
                struct fixture f;
                bool asks = id == ASH_VCPU_SMCCC_ARCH_FEATURES || id == ASH_VCPU_PSCI_FEATURES;
                uint64_t x1 = asks ? ASH_VCPU_SMCCC_VERSION : mpidrs[1];
                uint64_t result;

                fixture_init(&f);
                /* Valid for CPU_ON; the upper half of x0 is no part of the id. */
                result = call_by(&f, 0, (enum ash_vcpu_conduit)conduit, JUNK | id, x1, ENTRY, 0);
                if (is_function(id)) {
                    assert_int_not_equal(result, w(ASH_VCPU_PSCI_NOT_SUPPORTED));
                } else {
                    assert_int_equal(result, (id & 0x40000000U) != 0U ? UINT64_MAX : UINT32_MAX);
                    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
                }
                assert_true((id & 0x40000000U) != 0U || result <= UINT32_MAX);
            }
        }
    }
}

static void versions_and_features_are_those_of_psci_1_1_and_smccc_1_2(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_VERSION, 0, 0, 0), 0x10001);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_VERSION, 0, 0, 0), 0x10002);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_MIGRATE_INFO_TYPE, 0, 0, 0), 2);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_FEATURES, JUNK | 0x80000000, 0, 0), 0);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_FEATURES, 0x80000001, 0, 0), 0);
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_FEATURES, 0x80008000, 0, 0), w(-1)); /* ARCH_WORKAROUND_1 */
    assert_int_equal(call(&f, ASH_VCPU_SMCCC_ARCH_FEATURES, 0x84000000, 0, 0), w(-1));
}

static void psci_features_knows_what_is_there(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    for (uint32_t n = 0; n < 0x40; n++) {
        uint32_t id32 = 0x84000000U + n;
        uint32_t id64 = 0xc4000000U + n;

        assert_int_equal(call(&f, ASH_VCPU_PSCI_FEATURES, JUNK | id32, 0, 0), is_function(id32) ? 0 : w(-1));
        assert_int_equal(call(&f, ASH_VCPU_PSCI_FEATURES, id64, 0, 0), is_function(id64) ? 0 : w(-1));
    }
    assert_int_equal(call(&f, ASH_VCPU_PSCI_FEATURES, 0x80000000, 0, 0), 0); /* SMCCC_VERSION */
    assert_int_equal(call(&f, ASH_VCPU_PSCI_FEATURES, 0x80000001, 0, 0), w(-1));
    assert_int_equal(call(&f, ASH_VCPU_PSCI_FEATURES, 0xc0000000, 0, 0), w(-1));
    assert_int_equal(call(&f, ASH_VCPU_PSCI_FEATURES, 0x04000000, 0, 0), w(-1));
    assert_int_equal(call(&f, ASH_VCPU_PSCI_FEATURES, 0, 0, 0), w(-1));
}

static void an_immediate_other_than_zero_is_no_smccc_call(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    for (unsigned immediate = 1; immediate < 0x10000; immediate += 7) {
        uint64_t regs[4] = {ASH_VCPU_PSCI_CPU_ON64, mpidrs[1], ENTRY, 0};

        assert_int_equal(
            ash_vcpu_smccc_call(&f.psci, 0, regs, ASH_VCPU_CONDUIT_HVC, (uint16_t)immediate, &f.action),
            ASH_OK);
        assert_int_equal(regs[0], UINT64_MAX);
        assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
    }
    assert_int_equal(ash_vcpu_psci_power(&f.psci, 1), ASH_VCPU_POWER_OFF);
}

static void a_conduit_that_is_not_allowed_is_undefined(void **state)
{
    struct fixture f;
    uint64_t regs[4] = {ASH_VCPU_PSCI_SYSTEM_OFF};

    (void)state;
    fixture_init(&f);
    f.config.smc = false;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &f.config, NULL, NULL), ASH_OK);
    assert_int_equal(ash_vcpu_smccc_call(&f.psci, 0, regs, ASH_VCPU_CONDUIT_SMC, 0, &f.action), ASH_EGUEST);
    assert_int_equal(regs[0], ASH_VCPU_PSCI_SYSTEM_OFF);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
    assert_int_equal(ash_vcpu_smccc_call(&f.psci, 0, regs, ASH_VCPU_CONDUIT_HVC, 0, &f.action), ASH_OK);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_SYSTEM_OFF);
    assert_int_equal(ash_vcpu_smccc_call(&f.psci, CPUS, regs, ASH_VCPU_CONDUIT_HVC, 0, &f.action),
                     ASH_EINVAL);
}

static void cpu_on_starts_an_off_cpu_with_its_entry_and_context(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON64, mpidrs[3], ENTRY, JUNK | 7U), 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_CPU_ON);
    assert_int_equal(f.action.target, 3);
    assert_int_equal(f.action.entry.value, ENTRY);
    assert_int_equal(f.action.context_id, JUNK | 7U);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_AFFINITY_INFO64, mpidrs[3], 0, 0), 2);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON64, mpidrs[3], ENTRY, 0), x(ASH_VCPU_PSCI_ON_PENDING));
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
    assert_int_equal(ash_vcpu_psci_started(&f.psci, 3), ASH_OK);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_AFFINITY_INFO64, mpidrs[3], 0, 0), 0);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON64, mpidrs[3], ENTRY, 0), x(ASH_VCPU_PSCI_ALREADY_ON));
    assert_int_equal(call_by(&f, 3, ASH_VCPU_CONDUIT_SMC, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0), 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_CPU_OFF);
    /* Until it has really stopped it is on. */
    assert_int_equal(call(&f, ASH_VCPU_PSCI_AFFINITY_INFO64, mpidrs[3], 0, 0), 0);
    assert_int_equal(ash_vcpu_psci_stopped(&f.psci, 3), ASH_OK);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_AFFINITY_INFO64, mpidrs[3], 0, 0), 1);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON64, mpidrs[3], ENTRY, 0), 0);
}

static void a_32_bit_cpu_on_uses_w_registers_only(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(call(&f, JUNK | ASH_VCPU_PSCI_CPU_ON, JUNK | mpidrs[2], JUNK | ENTRY, JUNK | 9U), 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_CPU_ON);
    assert_int_equal(f.action.target, 2);
    assert_int_equal(f.action.entry.value, ENTRY);
    assert_int_equal(f.action.context_id, 9);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON, mpidrs[2], ENTRY, 0), w(ASH_VCPU_PSCI_ON_PENDING));
    /* Aff3 does not fit: CPU 3 cannot be named. */
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON, mpidrs[3], ENTRY, 0),
                     w(ASH_VCPU_PSCI_INVALID_PARAMETERS));
    assert_int_equal(call(&f, ASH_VCPU_PSCI_AFFINITY_INFO, JUNK | mpidrs[2], JUNK, 0), 2);
    /* The same registers by the 64-bit function name nobody. */
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON64, JUNK | mpidrs[1], ENTRY, 0),
                     x(ASH_VCPU_PSCI_INVALID_PARAMETERS));
}

static void one_stray_bit_in_the_mpidr_names_nobody(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    for (unsigned n = 0; n < 64; n++) {
        uint64_t target = mpidrs[1] ^ ASH_BIT(n);
        bool exists = target == mpidrs[0];

        assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON64, target, ENTRY, 0),
                         exists ? x(ASH_VCPU_PSCI_ALREADY_ON) : x(ASH_VCPU_PSCI_INVALID_PARAMETERS));
        assert_int_equal(call(&f, ASH_VCPU_PSCI_AFFINITY_INFO64, target, 0, 0),
                         exists ? 0 : x(ASH_VCPU_PSCI_INVALID_PARAMETERS));
        assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
    }
}

static void only_affinity_level_0_is_answered(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    for (uint64_t level = 0; level < 5; level++) {
        uint64_t expected = level == 0 ? 0 : (uint64_t)ASH_VCPU_PSCI_INVALID_PARAMETERS;

        assert_int_equal(call(&f, ASH_VCPU_PSCI_AFFINITY_INFO64, 0, level, 0), expected);
        assert_int_equal(call(&f, ASH_VCPU_PSCI_AFFINITY_INFO, 0, level, 0), (uint32_t)expected);
    }
    assert_int_equal(call(&f, ASH_VCPU_PSCI_AFFINITY_INFO64, 0, JUNK, 0), 0);
}

static void an_entry_outside_ram_or_misaligned_is_refused(void **state)
{
    static const uint64_t bad[] = {
        0,          RAM_BASE - 4, RAM_BASE + RAM_SIZE, RAM_BASE + 1, RAM_BASE + 2, UINT64_MAX - 3,
        UINT64_MAX, JUNK | ENTRY};
    static const uint64_t good[] = {RAM_BASE, RAM_BASE + RAM_SIZE - 4, ENTRY};
    struct fixture f;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < ASH_ARRAY_SIZE(bad); i++) {
        assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON64, mpidrs[1], bad[i], 0),
                         x(ASH_VCPU_PSCI_INVALID_ADDRESS));
        assert_int_equal(f.action.kind, ASH_VCPU_ACTION_NONE);
        assert_int_equal(ash_vcpu_psci_power(&f.psci, 1), ASH_VCPU_POWER_OFF);
    }
    for (size_t i = 0; i < ASH_ARRAY_SIZE(good); i++) {
        assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON64, mpidrs[i + 1], good[i], 0), 0);
    }
    f.config.entry_ranges = NULL;
    f.config.entry_range_count = 0;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &f.config, NULL, NULL), ASH_OK);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON64, mpidrs[1], 0, 0), 0);
}

static void the_system_calls_say_what_to_do_and_change_no_cpu(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    (void)call(&f, ASH_VCPU_PSCI_SYSTEM_OFF, 0, 0, 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_SYSTEM_OFF);
    (void)call(&f, ASH_VCPU_PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_SYSTEM_RESET);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_SUSPEND, 0, 0, 0), 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_STANDBY);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_SUSPEND64, 0, 0, 0), 0);
    assert_int_equal(f.action.kind, ASH_VCPU_ACTION_STANDBY);
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(ash_vcpu_psci_power(&f.psci, i), i == 0 ? ASH_VCPU_POWER_ON : ASH_VCPU_POWER_OFF);
    }
}

static void a_state_that_cannot_change_so_is_busy(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(ash_vcpu_psci_started(&f.psci, 0), ASH_EBUSY);
    assert_int_equal(ash_vcpu_psci_started(&f.psci, 1), ASH_EBUSY);
    assert_int_equal(ash_vcpu_psci_stopped(&f.psci, 1), ASH_EBUSY);
    assert_int_equal(ash_vcpu_psci_started(&f.psci, CPUS), ASH_EINVAL);
    assert_int_equal(ash_vcpu_psci_stopped(&f.psci, CPUS), ASH_EINVAL);
    assert_int_equal(ash_vcpu_psci_power(&f.psci, CPUS), ASH_VCPU_POWER_OFF);
    /* A start that failed. */
    assert_int_equal(call(&f, ASH_VCPU_PSCI_CPU_ON64, mpidrs[1], ENTRY, 0), 0);
    assert_int_equal(ash_vcpu_psci_stopped(&f.psci, 1), ASH_OK);
    assert_int_equal(ash_vcpu_psci_power(&f.psci, 1), ASH_VCPU_POWER_OFF);
}

static int64_t vendor_uid(struct ash_vcpu_psci *psci, const struct ash_vcpu_smccc_call *call)
{
    (void)psci;
    return (int64_t)(call->arg[0] + call->arg[1] + call->arg[2] + call->vcpu);
}

static void a_vendor_function_is_found_and_shadows_nothing(void **state)
{
    static const struct ash_vcpu_smccc_function vendor[] = {
        {0x86000001, vendor_uid}, {0xc6000001, vendor_uid}, {ASH_VCPU_PSCI_VERSION, vendor_uid}};
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.config.vendor = vendor;
    f.config.vendor_count = 3;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &f.config, NULL, NULL), ASH_OK);
    assert_int_equal(call_by(&f, 3, ASH_VCPU_CONDUIT_HVC, 0xc6000001, JUNK, 1, 1), JUNK + 5U);
    assert_int_equal(call_by(&f, 3, ASH_VCPU_CONDUIT_HVC, 0x86000001, JUNK, 1, 1), 5U);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_VERSION, 0, 0, 0), 0x10001);
    assert_int_equal(call(&f, ASH_VCPU_PSCI_FEATURES, 0x86000001, 0, 0), w(-1));
    assert_int_equal(call(&f, 0x86000002, 0, 0, 0), w(-1));
}

static void a_bad_configuration_is_refused(void **state)
{
    struct fixture f;
    struct ash_vcpu_psci_config bad;

    (void)state;
    fixture_init(&f);
    bad = f.config;
    bad.size++;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, NULL, NULL), ASH_EINVAL);
    bad = f.config;
    bad.cpus = NULL;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, NULL, NULL), ASH_EINVAL);
    bad = f.config;
    bad.cpu_count = 0;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, NULL, NULL), ASH_EINVAL);
    bad = f.config;
    bad.boot_cpu = CPUS;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, NULL, NULL), ASH_EINVAL);
    bad = f.config;
    bad.entry_ranges = NULL;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, NULL, NULL), ASH_EINVAL);
    bad = f.config;
    bad.vendor_count = 1;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &bad, NULL, NULL), ASH_EINVAL);
    f.cpus[2].mpidr = ASH_BIT(31);
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &f.config, NULL, NULL), ASH_EINVAL);
    f.cpus[2].mpidr = f.cpus[1].mpidr;
    assert_int_equal(ash_vcpu_psci_init(&f.psci, &f.config, NULL, NULL), ASH_EINVAL);
}

/* The oracle of the random test: three sets and the words of DEN0022 5.6, 5.7. */
enum oracle_state { IS_ON, IS_OFF, IS_PENDING };

struct oracle {
    enum oracle_state cpu[CPUS];
    unsigned successes, already_on, pending, bad_address, bad_parameters, offs;
};

static int oracle_cpu_on(struct oracle *o, uint64_t target, uint64_t entry)
{
    for (unsigned i = 0; i < CPUS; i++) {
        if (target != mpidrs[i]) {
            continue;
        }
        if (entry < RAM_BASE || entry > RAM_BASE + RAM_SIZE - 4U || entry % 4U != 0U) {
            o->bad_address++;
            return -9;
        }
        if (o->cpu[i] == IS_ON) {
            o->already_on++;
            return -4;
        }
        if (o->cpu[i] == IS_PENDING) {
            o->pending++;
            return -5;
        }
        o->cpu[i] = IS_PENDING;
        o->successes++;
        return 0;
    }
    o->bad_parameters++;
    return -2;
}

static void random_step(struct fixture *f, struct oracle *o, struct test_rng *rng)
{
    unsigned cpu = (unsigned)test_rng_below(rng, CPUS);
    uint64_t target = test_rng_below(rng, 8) == 0 ? test_rng_next(rng) : mpidrs[cpu];
    uint64_t entry =
        test_rng_below(rng, 4) == 0 ? test_rng_next(rng) : RAM_BASE + 4U * test_rng_below(rng, 64);

    switch (test_rng_below(rng, 4)) {
    case 0:
        assert_int_equal(call(f, ASH_VCPU_PSCI_CPU_ON64, target, entry, 1),
                         x(oracle_cpu_on(o, target, entry)));
        break;
    case 1:
        assert_int_equal(ash_vcpu_psci_started(&f->psci, cpu),
                         o->cpu[cpu] == IS_PENDING ? ASH_OK : ASH_EBUSY);
        o->cpu[cpu] = o->cpu[cpu] == IS_PENDING ? IS_ON : o->cpu[cpu];
        break;
    case 2:
        if (o->cpu[cpu] == IS_ON) {
            assert_int_equal(call_by(f, cpu, ASH_VCPU_CONDUIT_HVC, ASH_VCPU_PSCI_CPU_OFF, 0, 0, 0), 0);
            assert_int_equal(f->action.kind, ASH_VCPU_ACTION_CPU_OFF);
            assert_int_equal(ash_vcpu_psci_stopped(&f->psci, cpu), ASH_OK);
            o->cpu[cpu] = IS_OFF;
            o->offs++;
        }
        break;
    default:
        for (unsigned i = 0; i < CPUS; i++) {
            assert_int_equal(call(f, ASH_VCPU_PSCI_AFFINITY_INFO64, mpidrs[i], 0, 0), o->cpu[i]);
        }
        break;
    }
}

static void random_sequences_agree_with_the_oracle(void **state)
{
    struct oracle o = {.cpu = {IS_ON, IS_OFF, IS_OFF, IS_OFF}};
    struct fixture f;
    struct test_rng rng;

    (void)state;
    test_rng_init(&rng, "unit_vcpu_psci");
    fixture_init(&f);
    for (unsigned step = 0; step < 100000; step++) {
        random_step(&f, &o, &rng);
    }
    print_message("on %u, already on %u, pending %u, bad address %u, bad parameters %u, off %u\n",
                  o.successes, o.already_on, o.pending, o.bad_address, o.bad_parameters, o.offs);
    assert_true(o.successes && o.already_on && o.pending && o.bad_address && o.bad_parameters && o.offs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_identifier_has_an_answer_by_both_conduits),
        cmocka_unit_test(versions_and_features_are_those_of_psci_1_1_and_smccc_1_2),
        cmocka_unit_test(psci_features_knows_what_is_there),
        cmocka_unit_test(an_immediate_other_than_zero_is_no_smccc_call),
        cmocka_unit_test(a_conduit_that_is_not_allowed_is_undefined),
        cmocka_unit_test(cpu_on_starts_an_off_cpu_with_its_entry_and_context),
        cmocka_unit_test(a_32_bit_cpu_on_uses_w_registers_only),
        cmocka_unit_test(one_stray_bit_in_the_mpidr_names_nobody),
        cmocka_unit_test(only_affinity_level_0_is_answered),
        cmocka_unit_test(an_entry_outside_ram_or_misaligned_is_refused),
        cmocka_unit_test(the_system_calls_say_what_to_do_and_change_no_cpu),
        cmocka_unit_test(a_state_that_cannot_change_so_is_busy),
        cmocka_unit_test(a_vendor_function_is_found_and_shadows_nothing),
        cmocka_unit_test(a_bad_configuration_is_refused),
        cmocka_unit_test(random_sequences_agree_with_the_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
