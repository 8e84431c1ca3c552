/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

static int protect(struct fixture *f, uint64_t ipa, uint64_t size, uint32_t attr)
{
    return ash_stage2_protect(&f->s2, ash_ipa(ipa), size, attr);
}

static void rights_and_type_change_and_addresses_stay(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, GIGA, 2 * GIGA, 8 * MEGA2, RWX), ASH_OK);
    assert_int_equal(protect(&f, GIGA, 8 * MEGA2, RO), ASH_OK);
    expect(&f, GIGA + MEGA2, 2 * GIGA + MEGA2, MEGA2, RO);
    assert_int_equal(f.fake.invalidations, 1);
    assert_true(f.fake.last[0].leaf_only);
    assert_int_equal(f.fake.last[0].ipa.value, GIGA);
    assert_int_equal(f.fake.last[0].size, 8 * MEGA2);
    assert_int_equal(protect(&f, GIGA, 8 * MEGA2, ASH_STAGE2_READ | ASH_STAGE2_DEVICE), ASH_OK);
    expect(&f, GIGA + 7 * MEGA2, 2 * GIGA + 7 * MEGA2, MEGA2, ASH_STAGE2_READ | ASH_STAGE2_DEVICE);
    end(&f);
}

static void no_change_costs_nothing(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, 0, GIGA, RW), ASH_OK);
    f.fake.fail_after = 1; /* not even memory */
    assert_int_equal(protect(&f, PAGE, PAGE, RW), ASH_OK);
    f.fake.fail_after = 0;
    assert_int_equal(f.fake.invalidations, 0);
    expect(&f, 0, 0, GIGA, RW);
    end(&f);
}

static void a_page_of_a_block_and_back_again(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, 0, MEGA2, RW), ASH_OK);
    assert_int_equal(protect(&f, 5 * PAGE, PAGE, RO), ASH_OK);
    expect(&f, 5 * PAGE, 5 * PAGE, PAGE, RO);
    expect(&f, 6 * PAGE, 6 * PAGE, PAGE, RW);
    assert_true(at(&f, 0x10000).contiguous); /* groups that nothing cuts */
    assert_false(at(&f, 6 * PAGE).contiguous);
    assert_int_equal(protect(&f, 5 * PAGE, PAGE, RW), ASH_OK);
    expect(&f, 5 * PAGE, 5 * PAGE, MEGA2, RW);
    assert_int_equal(f.fake.in_use, 3);
    end(&f);
}

static void the_head_and_the_tail_of_a_block_change(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, 0, GIGA, GIGA, RW), ASH_OK);
    assert_int_equal(protect(&f, 0, MEGA2 + PAGE, RO), ASH_OK);
    expect(&f, 0, GIGA, MEGA2, RO);
    expect(&f, MEGA2, GIGA + MEGA2, PAGE, RO);
    expect(&f, MEGA2 + PAGE, GIGA + MEGA2 + PAGE, PAGE, RW);
    expect(&f, 2 * MEGA2, GIGA + 2 * MEGA2, MEGA2, RW);
    assert_int_equal(f.fake.invalidations, 3); /* two splits and the change */
    assert_int_equal(protect(&f, GIGA - PAGE, PAGE, RWX), ASH_OK);
    expect(&f, GIGA - PAGE, 2 * GIGA - PAGE, PAGE, RWX);
    expect(&f, GIGA - 2 * PAGE, 2 * GIGA - 2 * PAGE, PAGE, RW);
    assert_int_equal(protect(&f, 0, GIGA, RO), ASH_OK);
    expect(&f, 5 * PAGE, GIGA + 5 * PAGE, GIGA, RO); /* one block again */
    assert_int_equal(f.fake.in_use, 2);
    end(&f);
}

static void a_contiguous_group_that_changes_whole_keeps_the_hint(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, 0, 0x20000, RW), ASH_OK);
    assert_int_equal(protect(&f, 0, 0x10000, RO), ASH_OK);
    assert_true(at(&f, 0xf000).contiguous);
    assert_true(at(&f, 0x10000).contiguous);
    assert_int_equal(f.fake.invalidations, 1);
    end(&f);
}

static void a_hole_is_refused_and_nothing_changes(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, 0, 0, 4 * PAGE, RW), ASH_OK);
    assert_int_equal(protect(&f, 0, 5 * PAGE, RO), ASH_ENOENT);
    expect(&f, 0, 0, PAGE, RW);
    assert_int_equal(map(&f, 5 * PAGE, 5 * PAGE, 4 * GIGA, RW), ASH_OK);
    assert_int_equal(protect(&f, 0, 4 * GIGA, RO), ASH_ENOENT); /* a hole with much behind it */
    expect(&f, 0, 0, PAGE, RW);
    expect(&f, 2 * GIGA, 2 * GIGA, GIGA, RW);
    assert_int_equal(protect(&f, 0, PAGE, ASH_STAGE2_WRITE), ASH_EINVAL);
    assert_int_equal(protect(&f, 0, PAGE + 1, RO), ASH_EINVAL);
    assert_int_equal(protect(&f, UINT64_C(1) << 40, PAGE, RO), ASH_ERANGE);
    assert_int_equal(f.fake.invalidations, 0);
    end(&f);
}

static void each_allocation_that_fails_changes_nothing(void **state)
{
    struct fixture f;
    unsigned fails;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, 0, GIGA, RW), ASH_OK);
    for (fails = 0;; fails++) {
        f.fake.fail_after = fails + 1U;
        if (protect(&f, MEGA2 + PAGE, PAGE, RO) == ASH_OK) {
            break;
        }
        expect(&f, MEGA2 + PAGE, MEGA2 + PAGE, GIGA, RW);
        assert_int_equal(f.fake.in_use, 2);
    }
    assert_int_equal(fails, 2);
    f.fake.fail_after = 0;
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rights_and_type_change_and_addresses_stay),
        cmocka_unit_test(no_change_costs_nothing),
        cmocka_unit_test(a_page_of_a_block_and_back_again),
        cmocka_unit_test(the_head_and_the_tail_of_a_block_change),
        cmocka_unit_test(a_contiguous_group_that_changes_whole_keeps_the_hint),
        cmocka_unit_test(a_hole_is_refused_and_nothing_changes),
        cmocka_unit_test(each_allocation_that_fails_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
