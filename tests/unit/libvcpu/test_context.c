/* SPDX-License-Identifier: BSD-2-Clause */
#include <testkit/cmocka.h>

#include <string.h>

#include <libvcpu/context.h>

#define ENTRY UINT64_C(0x40200000)
#define MIDR  UINT64_C(0x410fd034)

static void a_reset_leaves_nothing_of_the_earlier_owner(void **state)
{
    struct ash_vcpu_context ctx;
    struct ash_vcpu_context expected;

    (void)state;
    memset(&ctx, 0xa5, sizeof(ctx));
    ctx.features = ASH_VCPU_FEATURE_PAUTH;
    memset(&expected, 0, sizeof(expected));
    expected.features = ASH_VCPU_FEATURE_PAUTH;
    expected.x[0] = 0x48000000;
    expected.pc = ENTRY;
    expected.pstate = 0x3c5;
    expected.sys.sctlr_el1 = 0x30d50838;
    expected.sys.vpidr_el2 = MIDR;
    expected.sys.vmpidr_el2 = 0x80000003;
    ash_vcpu_context_reset(&ctx, ash_ipa(ENTRY), 0x48000000, MIDR, 3);
    assert_memory_equal(&ctx, &expected, sizeof(ctx));
}

static void the_mpidr_is_affinity_and_res1_whatever_is_given(void **state)
{
    struct ash_vcpu_context ctx = {.features = 0};

    (void)state;
    ash_vcpu_context_reset(&ctx, ash_ipa(ENTRY), 0, MIDR, UINT64_MAX);
    assert_int_equal(ctx.sys.vmpidr_el2, UINT64_C(0xff80ffffff));
    assert_int_equal(ctx.features, 0);
}

static void the_mmu_and_caches_are_off_and_data_is_little_endian_after_a_reset(void **state)
{
    struct ash_vcpu_context ctx = {.features = 0};

    (void)state;
    ash_vcpu_context_reset(&ctx, ash_ipa(ENTRY), 0, MIDR, 0);
    assert_int_equal(ctx.sys.sctlr_el1 & (ASH_BIT(0) | ASH_BIT(2) | ASH_BIT(12)), 0);
    assert_false(ash_vcpu_is_big_endian(ctx.pstate, ctx.sys.sctlr_el1));
}

static void register_31_reads_as_zero_and_swallows_writes(void **state)
{
    struct ash_vcpu_context ctx;
    struct ash_vcpu_context before;

    (void)state;
    memset(&ctx, 0x5a, sizeof(ctx));
    before = ctx;
    ash_vcpu_reg_write(&ctx, 31, 1);
    assert_int_equal(ash_vcpu_reg_read(&ctx, 31), 0);
    ash_vcpu_reg_write(&ctx, 63, 1);
    assert_int_equal(ash_vcpu_reg_read(&ctx, 63), 0);
    assert_memory_equal(&ctx, &before, sizeof(ctx));
}

static void registers_0_to_30_are_themselves(void **state)
{
    struct ash_vcpu_context ctx = {.pc = 7};

    (void)state;
    for (unsigned rt = 0; rt < 31; rt++) {
        ash_vcpu_reg_write(&ctx, rt, rt + 100U);
    }
    for (unsigned rt = 0; rt < 31; rt++) {
        assert_int_equal(ctx.x[rt], rt + 100U);
        assert_int_equal(ash_vcpu_reg_read(&ctx, rt), rt + 100U);
        assert_int_equal(ash_vcpu_reg_read(&ctx, rt + 32U), rt + 100U);
    }
    assert_int_equal(ctx.pc, 7);
}

static void each_exception_level_has_its_own_endianness(void **state)
{
    const uint64_t e0e = ASH_BIT(24);
    const uint64_t ee = ASH_BIT(25);

    (void)state;
    assert_true(ash_vcpu_is_big_endian(ASH_VCPU_PSTATE_EL0T, e0e));
    assert_false(ash_vcpu_is_big_endian(ASH_VCPU_PSTATE_EL0T, ee));
    assert_true(ash_vcpu_is_big_endian(ASH_VCPU_PSTATE_EL1H, ee));
    assert_true(ash_vcpu_is_big_endian(ASH_VCPU_PSTATE_EL1T, ee));
    assert_false(ash_vcpu_is_big_endian(ASH_VCPU_PSTATE_EL1H, e0e));
    /* AArch32: PSTATE.E, bit 9, which in AArch64 is D. */
    assert_true(ash_vcpu_is_big_endian(UINT64_C(0x210), 0));
    assert_false(ash_vcpu_is_big_endian(UINT64_C(0x10), e0e | ee));
    assert_false(ash_vcpu_is_big_endian(ASH_VCPU_PSTATE_EL1H | ASH_VCPU_PSTATE_D, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_leaves_nothing_of_the_earlier_owner),
        cmocka_unit_test(the_mpidr_is_affinity_and_res1_whatever_is_given),
        cmocka_unit_test(the_mmu_and_caches_are_off_and_data_is_little_endian_after_a_reset),
        cmocka_unit_test(register_31_reads_as_zero_and_swallows_writes),
        cmocka_unit_test(registers_0_to_30_are_themselves),
        cmocka_unit_test(each_exception_level_has_its_own_endianness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
