/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

static void blocks_are_chosen_by_both_addresses(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, GIGA, 3 * GIGA, GIGA, RWX), ASH_OK);
    expect(&f, GIGA + 5 * PAGE, 3 * GIGA + 5 * PAGE, GIGA, RWX);
    assert_int_equal(map(&f, 4 * GIGA, 6 * GIGA + MEGA2, GIGA, RW), ASH_OK);
    expect(&f, 4 * GIGA, 6 * GIGA + MEGA2, MEGA2, RW); /* the PA forbids 1 GiB */
    assert_int_equal(map(&f, 8 * GIGA, 9 * GIGA + PAGE, 2 * MEGA2, RO), ASH_OK);
    expect(&f, 8 * GIGA + MEGA2, 9 * GIGA + MEGA2 + PAGE, PAGE, RO);
    end(&f);
}

static void a_ragged_range_gets_pages_at_its_ends(void **state)
{
    struct fixture f;
    uint64_t base = GIGA - PAGE;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, base, base, GIGA + 2 * PAGE, RW), ASH_OK);
    expect(&f, base, base, PAGE, RW);
    expect(&f, GIGA, GIGA, GIGA, RW);
    expect(&f, 2 * GIGA, 2 * GIGA, PAGE, RW);
    assert_false(at(&f, 2 * GIGA + PAGE).valid);
    assert_false(at(&f, base - PAGE).valid);
    end(&f);
}

static void mapping_holes_invalidates_nothing(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, 0, 3 * GIGA + 5 * MEGA2 + 7 * PAGE, RW), ASH_OK);
    assert_int_equal(f.fake.invalidations, 0);
    assert_true(f.fake.published > 0U);
    end(&f);
}

static void the_identical_mapping_stays_and_another_is_refused_whole(void **state)
{
    struct fixture f;
    unsigned in_use;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, MEGA2, MEGA2, MEGA2, RW), ASH_OK);
    assert_int_equal(map(&f, 0, 0, 3 * MEGA2, RW), ASH_OK); /* round it */
    in_use = f.fake.in_use;
    assert_int_equal(map(&f, MEGA2 + PAGE, MEGA2 + PAGE, PAGE, RW), ASH_OK);
    assert_int_equal(map(&f, 0, PAGE, 8 * MEGA2, RW), ASH_EEXIST);
    assert_int_equal(map(&f, 2 * MEGA2, 2 * MEGA2, 4 * MEGA2, RO), ASH_EEXIST);
    assert_false(at(&f, 3 * MEGA2).valid);
    assert_int_equal(f.fake.in_use, in_use);
    assert_int_equal(f.fake.invalidations, 0);
    end(&f);
}

static void pages_coalesce_when_the_last_one_comes(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    for (unsigned i = 0; i < 511U; i++) {
        assert_int_equal(map(&f, GIGA + i * PAGE, 4 * GIGA + i * PAGE, PAGE, RW), ASH_OK);
    }
    expect(&f, GIGA, 4 * GIGA, PAGE, RW);
    assert_int_equal(f.fake.invalidations, 0);
    assert_int_equal(map(&f, GIGA + 511 * PAGE, 4 * GIGA + 511 * PAGE, PAGE, RW), ASH_OK);
    expect(&f, GIGA, 4 * GIGA, MEGA2, RW);
    assert_int_equal(f.fake.invalidations, 1); /* break-before-make */
    assert_false(f.fake.last[0].leaf_only);    /* a table descriptor went */
    assert_int_equal(f.fake.last[0].size, MEGA2);
    assert_int_equal(f.fake.last[0].vmid, 7);
    end(&f);
}

static void what_only_looks_like_a_block_does_not_coalesce(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, 0, MEGA2 + PAGE, MEGA2, RW), ASH_OK); /* not aligned */
    expect(&f, 0, MEGA2 + PAGE, PAGE, RW);
    assert_int_equal(map(&f, GIGA, 2 * GIGA, MEGA2 / 2, RW), ASH_OK);
    assert_int_equal(map(&f, GIGA + MEGA2 / 2, 2 * GIGA + MEGA2 / 2, MEGA2 / 2, RO), ASH_OK);
    expect(&f, GIGA, 2 * GIGA, PAGE, RW); /* two kinds */
    end(&f);
}

static void a_table_of_1_gib_blocks_stays_a_table(void **state)
{
    struct ash_stage2_config config = config_of(48, 5, false); /* from level 0, where there are no blocks */
    struct fixture f;

    (void)state;
    fake_stage2_init(&f.fake);
    assert_int_equal(ash_stage2_init(&f.s2, &config, &fake_stage2_hal, &f.fake), ASH_OK);
    assert_int_equal(map(&f, 0, 0, 511 * GIGA, RW), ASH_OK);
    assert_int_equal(map(&f, 511 * GIGA, 511 * GIGA, GIGA, RW), ASH_OK);
    assert_int_equal(map(&f, 512 * GIGA, 512 * GIGA, 512 * GIGA, RW), ASH_OK);
    expect(&f, 3 * GIGA, 3 * GIGA, GIGA, RW);
    expect(&f, 600 * GIGA, 600 * GIGA, GIGA, RW);
    assert_int_equal(f.fake.in_use, 3);
    assert_int_equal(f.fake.invalidations, 0);
    end(&f);
}

static void contiguous_groups_carry_the_hint(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0x10000, GIGA + 0x10000, 0x10000, RW), ASH_OK);
    assert_true(at(&f, 0x1f000).contiguous);
    assert_int_equal(map(&f, 0x20000, GIGA + 0x21000, 0x10000, RW), ASH_OK); /* PA not aligned to 64 KiB */
    assert_false(at(&f, 0x20000).contiguous);
    assert_int_equal(map(&f, 0x30000, GIGA + 0x30000, 0xf000, RW), ASH_OK); /* 15 pages */
    assert_false(at(&f, 0x30000).contiguous);
    assert_int_equal(map(&f, GIGA, 2 * GIGA + 32 * MEGA2, 16 * MEGA2, RW), ASH_OK);
    assert_false(at(&f, GIGA).contiguous && at(&f, GIGA).size != MEGA2);
    assert_true(at(&f, GIGA + 15 * MEGA2).contiguous);
    end(&f);
}

static void bad_arguments_change_nothing(void **state)
{
    static const uint64_t top = UINT64_C(1) << 40;
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, 1, 0, PAGE, RW), ASH_EINVAL);
    assert_int_equal(map(&f, 0, 1, PAGE, RW), ASH_EINVAL);
    assert_int_equal(map(&f, 0, 0, PAGE + 1, RW), ASH_EINVAL);
    assert_int_equal(map(&f, 0, 0, 0, RW), ASH_EINVAL);
    assert_int_equal(map(&f, UINT64_MAX - PAGE + 1, 0, 2 * PAGE, RW), ASH_EINVAL);
    assert_int_equal(map(&f, 0, UINT64_MAX - PAGE + 1, 2 * PAGE, RW), ASH_EINVAL);
    assert_int_equal(map(&f, 0, 0, PAGE, ASH_STAGE2_WRITE), ASH_EINVAL);
    assert_int_equal(map(&f, 0, 0, PAGE, ASH_STAGE2_EXEC), ASH_EINVAL);
    assert_int_equal(map(&f, 0, 0, PAGE, 0), ASH_EINVAL);
    assert_int_equal(map(&f, 0, 0, PAGE, RW | 0x40U), ASH_EINVAL);
    assert_int_equal(map(&f, top - PAGE, 0, 2 * PAGE, RW), ASH_ERANGE);
    assert_int_equal(map(&f, 0, top - PAGE, 2 * PAGE, RW), ASH_ERANGE);
    assert_int_equal(map(&f, top - PAGE, top - PAGE, PAGE, RW), ASH_OK);
    assert_int_equal(f.fake.in_use, 2U + 2U); /* root of two pages; levels 2 and 3 */
    end(&f);
}

static void each_allocation_that_fails_leaves_no_trace(void **state)
{
    struct fixture f;
    unsigned fails;

    (void)state;
    begin(&f, true);
    for (fails = 0;; fails++) {
        f.fake.fail_after = fails + 1U;
        if (map(&f, GIGA - PAGE, GIGA - PAGE, MEGA2 + 2 * PAGE, RW) == ASH_OK) {
            break;
        }
        assert_int_equal(f.fake.in_use, 2);
        assert_false(at(&f, GIGA).valid);
    }
    assert_int_equal(fails, 4); /* two level 2 tables, two level 3 tables */
    f.fake.fail_after = 0;
    end(&f);
}

static void every_attribute_comes_back(void **state)
{
    struct fixture f;
    uint64_t ipa = 0;

    (void)state;
    begin(&f, false);
    for (uint32_t type = 0; type <= ASH_STAGE2_TYPE; type += 0x10U) {
        for (uint32_t rights = 1; rights <= ASH_STAGE2_RIGHTS; rights += 2U) {
            assert_int_equal(map(&f, ipa, ipa, PAGE, rights | type), ASH_OK);
            expect(&f, ipa, ipa, PAGE, rights | type);
            ipa += PAGE;
        }
    }
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_chosen_by_both_addresses),
        cmocka_unit_test(a_ragged_range_gets_pages_at_its_ends),
        cmocka_unit_test(mapping_holes_invalidates_nothing),
        cmocka_unit_test(the_identical_mapping_stays_and_another_is_refused_whole),
        cmocka_unit_test(pages_coalesce_when_the_last_one_comes),
        cmocka_unit_test(what_only_looks_like_a_block_does_not_coalesce),
        cmocka_unit_test(a_table_of_1_gib_blocks_stays_a_table),
        cmocka_unit_test(contiguous_groups_carry_the_hint),
        cmocka_unit_test(bad_arguments_change_nothing),
        cmocka_unit_test(each_allocation_that_fails_leaves_no_trace),
        cmocka_unit_test(every_attribute_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
