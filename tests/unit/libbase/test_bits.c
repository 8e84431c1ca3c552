/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/bits.h>

#include "testkit/cmocka.h"

static void masks_are_written_as_the_manuals_write_fields(void **state)
{
    (void)state;
    assert_true(ASH_MASK(63, 0) == UINT64_MAX);
    assert_true(ASH_MASK(0, 0) == 1U);
    assert_true(ASH_MASK(63, 63) == ASH_BIT(63));
    assert_true(ASH_MASK(47, 12) == UINT64_C(0xfffffffff000));
}

static void a_field_comes_out_and_goes_in_alone(void **state)
{
    uint64_t value = UINT64_C(0x123456789abcdef0);

    (void)state;
    assert_true(ash_field(value, 15, 8) == 0xdeU);
    assert_true(ash_field(value, 63, 0) == value);
    assert_true(ash_with_field(value, 15, 8, 0xfff) == UINT64_C(0x123456789abcfff0));
    assert_true(ash_with_field(value, 63, 60, 0) == UINT64_C(0x023456789abcdef0));
}

static void signs_are_extended_from_any_width(void **state)
{
    (void)state;
    assert_true(ash_sign_extend(0x80, 8) == UINT64_C(0xffffffffffffff80));
    assert_true(ash_sign_extend(0x7f, 8) == 0x7fU);
    assert_true(ash_sign_extend(0x17f, 8) == 0x7fU);
    assert_true(ash_sign_extend(1, 1) == UINT64_MAX);
    assert_true(ash_sign_extend(UINT64_C(1) << 63, 64) == UINT64_C(1) << 63);
}

static void alignment_rounds_both_ways(void **state)
{
    (void)state;
    assert_true(ash_is_aligned(0x3000, 0x1000) && !ash_is_aligned(0x3001, 0x1000));
    assert_true(ash_align_down(0x3fff, 0x1000) == 0x3000U);
    assert_true(ash_align_up(0x3001, 0x1000) == 0x4000U);
    assert_true(ash_align_up(0x3000, 0x1000) == 0x3000U);
    assert_true(ash_is_power_of_two(1) && ash_is_power_of_two(UINT64_C(1) << 63));
    assert_false(ash_is_power_of_two(0) || ash_is_power_of_two(6));
}

static void the_lowest_and_highest_bits_are_found(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64U; bit++) {
        assert_int_equal(ash_lowest_bit(~UINT64_C(0) << bit), bit);
        assert_int_equal(ash_highest_bit(~UINT64_C(0) >> (63U - bit)), bit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_are_written_as_the_manuals_write_fields),
        cmocka_unit_test(a_field_comes_out_and_goes_in_alone),
        cmocka_unit_test(signs_are_extended_from_any_width),
        cmocka_unit_test(alignment_rounds_both_ways),
        cmocka_unit_test(the_lowest_and_highest_bits_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
