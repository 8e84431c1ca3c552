/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/checked.h>
#include <libbase/nospec.h>

#include "testkit/cmocka.h"

static void a_wrap_is_a_result(void **state)
{
    uint64_t result;

    (void)state;
    assert_true(ash_add_ok(UINT64_MAX - 1U, 1, &result));
    assert_true(result == UINT64_MAX);
    assert_false(ash_add_ok(UINT64_MAX, 1, &result));
    assert_true(ash_mul_ok(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1U, &result));
    assert_false(ash_mul_ok(UINT64_C(1) << 32, UINT64_C(1) << 32, &result));
}

static void ranges_never_wrap_unseen(void **state)
{
    (void)state;
    assert_true(ash_range_ok(0, UINT64_MAX));
    assert_false(ash_range_ok(0, 0));
    assert_false(ash_range_ok(UINT64_MAX, 1)); /* ends at 2^64 */
    assert_true(ash_range_within(10, 5, 10, 5));
    assert_false(ash_range_within(10, 6, 10, 5));
    assert_false(ash_range_within(9, 1, 10, 5));
    assert_false(ash_range_within(12, UINT64_MAX, 10, 5)); /* 12 + size would wrap to inside */
    assert_true(ash_range_within(15, 0, 10, 5));
    assert_false(ash_range_within(16, 0, 10, 5));
    assert_false(ash_range_within(0, 1, UINT64_MAX, 1));
    assert_false(ash_range_within(12, 5, 10, 5)); /* begins inside, no larger, ends outside */
}

static void ranges_that_touch_do_not_overlap(void **state)
{
    (void)state;
    assert_false(ash_ranges_overlap(0, 10, 10, 10));
    assert_false(ash_ranges_overlap(10, 10, 0, 10));
    assert_true(ash_ranges_overlap(0, 11, 10, 10));
    assert_true(ash_ranges_overlap(0, 100, 10, 1));
    assert_true(ash_ranges_overlap(10, 1, 0, 100));
}

static void an_index_beyond_the_end_becomes_zero(void **state)
{
    (void)state;
    assert_true(ash_index_nospec(4, 5) == 4U);
    assert_true(ash_index_nospec(5, 5) == 0U);
    assert_true(ash_index_nospec(UINT64_MAX, 5) == 0U);
    assert_true(ash_index_nospec(0, 0) == 0U);
}

static void an_index_wraps_at_the_end(void **state)
{
    (void)state;
    assert_true(ash_wrap_nospec(0, 8) == 0U);
    assert_true(ash_wrap_nospec(7, 8) == 7U);
    assert_true(ash_wrap_nospec(8, 8) == 0U);
    assert_true(ash_wrap_nospec(UINT64_MAX, 8) == 7U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrap_is_a_result),
        cmocka_unit_test(ranges_never_wrap_unseen),
        cmocka_unit_test(ranges_that_touch_do_not_overlap),
        cmocka_unit_test(an_index_beyond_the_end_becomes_zero),
        cmocka_unit_test(an_index_wraps_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
