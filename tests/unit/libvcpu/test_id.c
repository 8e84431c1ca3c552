/* SPDX-License-Identifier: BSD-2-Clause */
#include <testkit/cmocka.h>

#include <string.h>

#include <libvcpu/id.h>
#include <testkit/seed.h>

static const struct ash_vcpu_id_policy everything = {.size = sizeof(struct ash_vcpu_id_policy),
                                                     .ipa_bits = 48,
                                                     .gicv3 = true,
                                                     .aarch32_el0 = true,
                                                     .pauth = true,
                                                     .ras = true};
static const struct ash_vcpu_id_policy nothing = {.size = sizeof(struct ash_vcpu_id_policy), .ipa_bits = 48};

struct expected {
    unsigned reg;
    uint64_t value;
};

static void assert_registers(const struct ash_vcpu_id *id, const struct expected *expected, size_t count)
{
    for (unsigned reg = 0; reg < ASH_VCPU_ID_COUNT; reg++) {
        uint64_t value = 0;

        for (size_t i = 0; i < count; i++) {
            value = expected[i].reg == reg ? expected[i].value : value;
        }
        if (id->reg[reg] != value) {
            fail_msg("CRm %u Op2 %u: 0x%016llx instead of 0x%016llx", reg / 8U + 1U, reg % 8U,
                     (unsigned long long)id->reg[reg], (unsigned long long)value);
        }
    }
}

/* A CPU with every field at its highest value: what is left is what the manual's features allow, nibble by nibble. */
static void of_a_cpu_with_everything_only_what_is_virtualised_is_shown(void **state)
{
    const struct expected expected[] = {
        {ASH_VCPU_ID_PFR0, 0x0101ffff},
        {ASH_VCPU_ID_PFR1, 0x00010001},
        {ASH_VCPU_ID_DFR0, 0x6},
        {ASH_VCPU_ID_MMFR0, UINT32_MAX},
        {ASH_VCPU_ID_MMFR1, UINT32_MAX},
        {ASH_VCPU_ID_MMFR2, UINT32_MAX},
        {ASH_VCPU_ID_MMFR3, UINT32_MAX},
        {ASH_VCPU_ID_ISAR0, UINT32_MAX},
        {ASH_VCPU_ID_ISAR1, UINT32_MAX},
        {ASH_VCPU_ID_ISAR2, UINT32_MAX},
        {ASH_VCPU_ID_ISAR3, UINT32_MAX},
        {ASH_VCPU_ID_ISAR4, UINT32_MAX},
        {ASH_VCPU_ID_ISAR5, UINT32_MAX},
        {ASH_VCPU_ID_ISAR6, UINT32_MAX},
        {ASH_VCPU_ID_MMFR4, 0x0f0210f0},
        {ASH_VCPU_ID_MVFR0, UINT32_MAX},
        {ASH_VCPU_ID_MVFR1, UINT32_MAX},
        {ASH_VCPU_ID_MVFR2, UINT32_MAX},
        {ASH_VCPU_ID_PFR2, 0x11},
        {ASH_VCPU_ID_MMFR5, 0x11},
        {ASH_VCPU_ID_AA64PFR0, 0x1101000011ff0012},
        {ASH_VCPU_ID_AA64PFR1, 0x0000000100000021},
        {ASH_VCPU_ID_AA64DFR0, 0x000000f000101006},
        {ASH_VCPU_ID_AA64ISAR0, 0x1221111110212120},
        {ASH_VCPU_ID_AA64ISAR1, 0x0011211111211552},
        {ASH_VCPU_ID_AA64ISAR2, 0x0010000011105110},
        {ASH_VCPU_ID_AA64MMFR0, 0x10001000ff110125},
        {ASH_VCPU_ID_AA64MMFR1, 0x0001101000302002},
        {ASH_VCPU_ID_AA64MMFR2, 0x1021001110f10011},
    };
    struct ash_vcpu_id raw;
    struct ash_vcpu_id id;

    (void)state;
    memset(&raw, 0xff, sizeof(raw));
    assert_int_equal(ash_vcpu_id_sanitise(&raw, &everything, &id), ASH_OK);
    assert_registers(&id, expected, ASH_ARRAY_SIZE(expected));
    assert_int_equal(id.revidr_el1, UINT64_MAX);
    assert_int_equal(id.aidr_el1, UINT64_MAX);
}

/* And one with nothing: what is always there. */
static void of_a_cpu_with_nothing_the_armv8_base_is_shown(void **state)
{
    const struct expected expected[] = {
        {ASH_VCPU_ID_AA64PFR0, 0x11},
        {ASH_VCPU_ID_AA64DFR0, 0x000000f000101006},
    };
    struct ash_vcpu_id raw;
    struct ash_vcpu_id id;

    (void)state;
    memset(&raw, 0, sizeof(raw));
    memset(&id, 0xff, sizeof(id));
    assert_int_equal(ash_vcpu_id_sanitise(&raw, &nothing, &id), ASH_OK);
    assert_registers(&id, expected, ASH_ARRAY_SIZE(expected));
    assert_int_equal(id.revidr_el1, 0);
}

/* Cortex-A53 r0p4 (its Technical Reference Manual, DDI 0500, 4.2). */
static void a_cortex_a53_shows_what_it_can(void **state)
{
    const struct expected expected[] = {
        {ASH_VCPU_ID_PFR0, 0x131},
        {ASH_VCPU_ID_PFR1, 0x00010001},
        {ASH_VCPU_ID_DFR0, 0x6},
        {ASH_VCPU_ID_ISAR5, 0x00011121},
        {ASH_VCPU_ID_AA64PFR0, 0x01000012},
        {ASH_VCPU_ID_AA64DFR0, 0x000000f000101006},
        {ASH_VCPU_ID_AA64ISAR0, 0x00011120},
        {ASH_VCPU_ID_AA64MMFR0, 0x00000122},
    };
    const struct ash_vcpu_id_policy policy = {
        .size = sizeof(policy), .ipa_bits = 40, .gicv3 = true, .aarch32_el0 = true};
    struct ash_vcpu_id id;

    (void)state;
    memset(&id, 0, sizeof(id));
    id.reg[ASH_VCPU_ID_PFR0] = 0x131;
    id.reg[ASH_VCPU_ID_PFR1] = 0x00011011;
    id.reg[ASH_VCPU_ID_DFR0] = 0x03010066;
    id.reg[ASH_VCPU_ID_ISAR5] = 0x00011121;
    id.reg[ASH_VCPU_ID_AA64PFR0] = 0x00002222;
    id.reg[ASH_VCPU_ID_AA64DFR0] = 0x10305106;
    id.reg[ASH_VCPU_ID_AA64ISAR0] = 0x00011120;
    id.reg[ASH_VCPU_ID_AA64MMFR0] = 0x00001122;
    assert_int_equal(ash_vcpu_id_sanitise(&id, &policy, &id), ASH_OK); /* in place */
    assert_registers(&id, expected, ASH_ARRAY_SIZE(expected));
}

static void a_policy_shows_its_own_fields_and_no_others(void **state)
{
    struct ash_vcpu_id raw;
    struct ash_vcpu_id base;
    struct ash_vcpu_id id;
    struct ash_vcpu_id_policy policy = nothing;

    (void)state;
    memset(&raw, 0xff, sizeof(raw));
    assert_int_equal(ash_vcpu_id_sanitise(&raw, &policy, &base), ASH_OK);

    policy.gicv3 = true;
    assert_int_equal(ash_vcpu_id_sanitise(&raw, &policy, &id), ASH_OK);
    assert_int_equal(id.reg[ASH_VCPU_ID_AA64PFR0] ^ base.reg[ASH_VCPU_ID_AA64PFR0], 0x01000000);
    id.reg[ASH_VCPU_ID_AA64PFR0] = base.reg[ASH_VCPU_ID_AA64PFR0];
    assert_memory_equal(&id, &base, sizeof(id));

    policy = nothing;
    policy.ras = true;
    assert_int_equal(ash_vcpu_id_sanitise(&raw, &policy, &id), ASH_OK);
    assert_int_equal(id.reg[ASH_VCPU_ID_AA64PFR0] ^ base.reg[ASH_VCPU_ID_AA64PFR0], 0x10000000);
    id.reg[ASH_VCPU_ID_AA64PFR0] = base.reg[ASH_VCPU_ID_AA64PFR0];
    assert_memory_equal(&id, &base, sizeof(id));

    policy = nothing;
    policy.pauth = true;
    assert_int_equal(ash_vcpu_id_sanitise(&raw, &policy, &id), ASH_OK);
    assert_int_equal(id.reg[ASH_VCPU_ID_AA64ISAR1] ^ base.reg[ASH_VCPU_ID_AA64ISAR1], 0x11000550);
    assert_int_equal(id.reg[ASH_VCPU_ID_AA64ISAR2] ^ base.reg[ASH_VCPU_ID_AA64ISAR2], 0x01005100);
    id.reg[ASH_VCPU_ID_AA64ISAR1] = base.reg[ASH_VCPU_ID_AA64ISAR1];
    id.reg[ASH_VCPU_ID_AA64ISAR2] = base.reg[ASH_VCPU_ID_AA64ISAR2];
    assert_memory_equal(&id, &base, sizeof(id));

    policy = nothing;
    policy.aarch32_el0 = true;
    assert_int_equal(ash_vcpu_id_sanitise(&raw, &policy, &id), ASH_OK);
    assert_int_equal(id.reg[ASH_VCPU_ID_AA64PFR0] & 0xffU, 0x12);
    for (unsigned reg = 0; reg < ASH_VCPU_ID_AA64PFR0; reg++) {
        assert_int_equal(base.reg[reg], 0);
    }
    for (unsigned reg = ASH_VCPU_ID_AA64PFR0 + 1U; reg < ASH_VCPU_ID_COUNT; reg++) {
        assert_int_equal(id.reg[reg], base.reg[reg]);
    }
}

static void the_physical_address_range_fits_guest_and_cpu(void **state)
{
    const unsigned bits_of[] = {32, 36, 40, 42, 44, 48, 52};

    (void)state;
    for (unsigned raw_range = 0; raw_range < 16; raw_range++) {
        for (unsigned ipa_bits = 32; ipa_bits <= 52; ipa_bits++) {
            struct ash_vcpu_id_policy policy = nothing;
            struct ash_vcpu_id raw;
            unsigned range;

            memset(&raw, 0, sizeof(raw));
            raw.reg[ASH_VCPU_ID_AA64MMFR0] = raw_range;
            policy.ipa_bits = ipa_bits;
            assert_int_equal(ash_vcpu_id_sanitise(&raw, &policy, &raw), ASH_OK);
            range = (unsigned)raw.reg[ASH_VCPU_ID_AA64MMFR0];
            assert_true(range <= 6 && range <= raw_range && bits_of[range] <= ipa_bits);
            /* And the next would not fit. */
            assert_true(range == 6 || range == raw_range || bits_of[range + 1U] > ipa_bits);
        }
    }
}

/* Fields of 4 bits that count up; those where 0xf is "not implemented" count from -1. */
static bool is_signed(unsigned reg, unsigned lo)
{
    return (reg == ASH_VCPU_ID_AA64PFR0 && (lo == 16 || lo == 20)) ||
           (reg == ASH_VCPU_ID_AA64MMFR0 && (lo == 24 || lo == 28));
}

static bool is_fixed(unsigned reg, unsigned lo)
{
    return reg == ASH_VCPU_ID_AA64DFR0 || reg == ASH_VCPU_ID_DFR0 ||
           (reg == ASH_VCPU_ID_AA64PFR0 && (lo <= 4 || lo == 24));
}

static void a_guest_never_sees_more_than_the_cpu_has(void **state)
{
    struct test_rng rng;

    (void)state;
    test_rng_init(&rng, "unit_vcpu_id");
    for (unsigned round = 0; round < 2000; round++) {
        struct ash_vcpu_id raw;
        struct ash_vcpu_id id;

        for (unsigned reg = 0; reg < ASH_VCPU_ID_COUNT; reg++) {
            raw.reg[reg] = test_rng_next(&rng);
        }
        raw.revidr_el1 = raw.aidr_el1 = 1;
        assert_int_equal(ash_vcpu_id_sanitise(&raw, &everything, &id), ASH_OK);
        for (unsigned reg = 0; reg < ASH_VCPU_ID_COUNT; reg++) {
            for (unsigned lo = 0; lo < 64; lo += 4) {
                int flip = is_signed(reg, lo) ? 8 : 0;
                int seen = (int)((id.reg[reg] >> lo) & 0xfU) ^ flip;
                int real = (int)((raw.reg[reg] >> lo) & 0xfU) ^ flip;

                assert_true(is_fixed(reg, lo) || seen <= real);
            }
        }
    }
}

static void pointer_authentication_is_found_in_any_of_its_six_fields(void **state)
{
    struct ash_vcpu_id raw;
    struct ash_vcpu_id id;

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        bool in_isar1 = (bit >= 4 && bit <= 11) || (bit >= 24 && bit <= 31);
        bool in_isar2 = bit >= 8 && bit <= 15;

        memset(&raw, 0, sizeof(raw));
        raw.reg[ASH_VCPU_ID_AA64ISAR1] = ASH_BIT(bit);
        assert_int_equal(ash_vcpu_id_has_pauth(&raw), in_isar1);
        assert_int_equal(ash_vcpu_id_sanitise(&raw, &everything, &id), ASH_OK);
        assert_int_equal(ash_vcpu_id_has_pauth(&id), in_isar1);
        raw.reg[ASH_VCPU_ID_AA64ISAR1] = 0;
        raw.reg[ASH_VCPU_ID_AA64ISAR2] = ASH_BIT(bit);
        assert_int_equal(ash_vcpu_id_has_pauth(&raw), in_isar2);
        assert_int_equal(ash_vcpu_id_sanitise(&raw, &nothing, &id), ASH_OK);
        assert_false(ash_vcpu_id_has_pauth(&id));
    }
}

static void a_bad_policy_is_refused_and_changes_nothing(void **state)
{
    struct ash_vcpu_id raw;
    struct ash_vcpu_id id;
    struct ash_vcpu_id before;
    struct ash_vcpu_id_policy policy = nothing;

    (void)state;
    memset(&raw, 0, sizeof(raw));
    memset(&id, 0x5a, sizeof(id));
    before = id;
    policy.ipa_bits = 31;
    assert_int_equal(ash_vcpu_id_sanitise(&raw, &policy, &id), ASH_EINVAL);
    policy.ipa_bits = 53;
    assert_int_equal(ash_vcpu_id_sanitise(&raw, &policy, &id), ASH_EINVAL);
    policy = nothing;
    policy.size--;
    assert_int_equal(ash_vcpu_id_sanitise(&raw, &policy, &id), ASH_EINVAL);
    assert_memory_equal(&id, &before, sizeof(id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_cpu_with_everything_only_what_is_virtualised_is_shown),
        cmocka_unit_test(of_a_cpu_with_nothing_the_armv8_base_is_shown),
        cmocka_unit_test(a_cortex_a53_shows_what_it_can),
        cmocka_unit_test(a_policy_shows_its_own_fields_and_no_others),
        cmocka_unit_test(the_physical_address_range_fits_guest_and_cpu),
        cmocka_unit_test(a_guest_never_sees_more_than_the_cpu_has),
        cmocka_unit_test(pointer_authentication_is_found_in_any_of_its_six_fields),
        cmocka_unit_test(a_bad_policy_is_refused_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
