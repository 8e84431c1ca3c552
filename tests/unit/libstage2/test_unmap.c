/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

static int unmap(struct fixture *f, uint64_t ipa, uint64_t size)
{
    return ash_stage2_unmap(&f->s2, ash_ipa(ipa), size);
}

static void one_invalidation_covers_the_range(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, 0, 0, 16 * MEGA2 + 3 * PAGE, RW), ASH_OK);
    assert_int_equal(unmap(&f, MEGA2, 4 * MEGA2), ASH_OK);
    assert_int_equal(f.fake.invalidations, 1);
    assert_int_equal(f.fake.last[0].ipa.value, MEGA2);
    assert_int_equal(f.fake.last[0].size, 4 * MEGA2);
    assert_true(f.fake.last[0].leaf_only);
    assert_false(at(&f, MEGA2).valid);
    expect(&f, 5 * MEGA2, 5 * MEGA2, MEGA2, RW);
    expect(&f, 0, 0, MEGA2, RW);
    end(&f);
}

static void holes_are_allowed_and_cost_nothing(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(unmap(&f, 0, UINT64_C(1) << 40), ASH_OK);
    assert_int_equal(f.fake.invalidations, 0);
    assert_int_equal(unmap(&f, 0, UINT64_C(2) << 40), ASH_ERANGE);
    assert_int_equal(unmap(&f, PAGE / 2, PAGE), ASH_EINVAL);
    assert_int_equal(unmap(&f, 0, 0), ASH_EINVAL);
    end(&f);
}

static void a_block_that_is_cut_is_split_first(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, GIGA, 2 * GIGA, GIGA, RWX), ASH_OK);
    assert_int_equal(unmap(&f, GIGA + 3 * MEGA2 + PAGE, PAGE), ASH_OK);
    assert_false(at(&f, GIGA + 3 * MEGA2 + PAGE).valid);
    expect(&f, GIGA + 3 * MEGA2, 2 * GIGA + 3 * MEGA2, PAGE, RWX);
    expect(&f, GIGA + 4 * MEGA2, 2 * GIGA + 4 * MEGA2, MEGA2, RWX);
    assert_int_equal(f.fake.invalidations, 3); /* two splits, then the page */
    assert_int_equal(f.fake.last[0].size, GIGA);
    assert_int_equal(f.fake.last[1].size, MEGA2);
    end(&f);
}

static void a_contiguous_group_that_is_cut_loses_the_hint_first(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, 0, 0x20000, RW), ASH_OK);
    assert_int_equal(unmap(&f, 0x3000, PAGE), ASH_OK);
    assert_false(at(&f, 0).contiguous);
    assert_true(at(&f, 0).valid);
    assert_true(at(&f, 0x10000).contiguous);
    assert_int_equal(f.fake.invalidations, 2);
    assert_int_equal(f.fake.last[0].size, 0x10000);
    end(&f);
}

static void empty_tables_are_given_back_after_a_full_invalidation(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, GIGA, GIGA, 3 * PAGE, RW), ASH_OK);
    assert_int_equal(f.fake.in_use, 4);
    assert_int_equal(unmap(&f, GIGA, 2 * PAGE), ASH_OK);
    assert_int_equal(f.fake.in_use, 4);
    assert_true(f.fake.last[0].leaf_only);
    assert_int_equal(unmap(&f, GIGA + 2 * PAGE, PAGE), ASH_OK);
    assert_int_equal(f.fake.in_use, 2);
    assert_false(f.fake.last[1].leaf_only);
    end(&f);
}

static void a_table_that_keeps_a_page_stays_beside_one_that_goes(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, MEGA2 - PAGE, 0, 3 * PAGE, RW), ASH_OK);
    assert_int_equal(f.fake.in_use, 2 + 1 + 2);
    assert_int_equal(unmap(&f, 0, MEGA2 + PAGE), ASH_OK);
    assert_int_equal(f.fake.in_use, 2 + 1 + 1);
    assert_int_equal(at(&f, 0).size, MEGA2);
    assert_false(at(&f, MEGA2).valid);
    expect(&f, MEGA2 + PAGE, 2 * PAGE, PAGE, RW);
    assert_int_equal(f.fake.invalidations, 1);
    assert_false(f.fake.last[0].leaf_only);
    end(&f);
}

static void each_allocation_that_fails_leaves_the_block_whole(void **state)
{
    struct fixture f;
    unsigned fails;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, 0, 0, GIGA, RW), ASH_OK);
    for (fails = 0;; fails++) {
        f.fake.fail_after = fails + 1U;
        if (unmap(&f, PAGE, GIGA - 2 * PAGE) == ASH_OK) {
            break;
        }
        expect(&f, 0, 0, GIGA, RW);
        assert_int_equal(f.fake.in_use, 2);
        assert_int_equal(f.fake.invalidations, 0);
    }
    assert_int_equal(fails, 3); /* level 2, and level 3 at both ends */
    f.fake.fail_after = 0;
    expect(&f, 0, 0, PAGE, RW);
    expect(&f, GIGA - PAGE, GIGA - PAGE, PAGE, RW);
    end(&f);
}

static void a_table_may_lie_at_address_0(void **state)
{
    struct fixture f;
    struct ash_stage2_config config = config_of(40, PARANGE_40, false);

    (void)state;
    fake_stage2_init(&f.fake);
    f.fake.pa = 0;
    f.fake.lowest = 2; /* for the root */
    assert_int_equal(ash_stage2_init(&f.s2, &config, &fake_stage2_hal, &f.fake), ASH_OK);
    f.fake.lowest = 0;
    assert_int_equal(map(&f, 0, 0, GIGA, RW), ASH_OK);
    f.fake.fail_after = 3;
    assert_int_equal(unmap(&f, PAGE, GIGA - 2 * PAGE), ASH_ENOMEM); /* it and another are given back */
    assert_int_equal(f.fake.in_use, 2);
    assert_int_equal(unmap(&f, PAGE, GIGA - 2 * PAGE), ASH_OK); /* it is the last of three */
    assert_int_equal(f.fake.in_use, 2 + 3);
    expect(&f, 0, 0, PAGE, RW);
    expect(&f, GIGA - PAGE, GIGA - PAGE, PAGE, RW);
    assert_int_equal(unmap(&f, 0, GIGA), ASH_OK);
    assert_int_equal(f.fake.in_use, 2);
    end(&f);
}

static void a_hole_of_many_levels_is_one_invalidation(void **state)
{
    struct ash_stage2_config config = config_of(48, 5, true); /* from level 0 */
    struct fixture f;

    (void)state;
    fake_stage2_init(&f.fake);
    assert_int_equal(ash_stage2_init(&f.s2, &config, &fake_stage2_hal, &f.fake), ASH_OK);
    for (uint64_t top = 0; top < 4U; top++) {
        assert_int_equal(map(&f, top << 46, 0, GIGA + MEGA2 + PAGE, RW), ASH_OK);
    }
    assert_int_equal(unmap(&f, 0, UINT64_C(1) << 48), ASH_OK);
    assert_int_equal(f.fake.invalidations, 1);
    assert_false(f.fake.last[0].leaf_only);
    assert_int_equal(f.fake.last[0].size, UINT64_C(1) << 48);
    assert_int_equal(f.fake.in_use, 1);
    assert_int_equal(at(&f, 0).size, UINT64_C(1) << 39);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_invalidation_covers_the_range),
        cmocka_unit_test(holes_are_allowed_and_cost_nothing),
        cmocka_unit_test(a_block_that_is_cut_is_split_first),
        cmocka_unit_test(a_contiguous_group_that_is_cut_loses_the_hint_first),
        cmocka_unit_test(empty_tables_are_given_back_after_a_full_invalidation),
        cmocka_unit_test(a_table_that_keeps_a_page_stays_beside_one_that_goes),
        cmocka_unit_test(each_allocation_that_fails_leaves_the_block_whole),
        cmocka_unit_test(a_table_may_lie_at_address_0),
        cmocka_unit_test(a_hole_of_many_levels_is_one_invalidation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
