/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of 16 under the Contiguous hint: who gets it, who loses it, and that each change is break-before-make. */
#include "fixture.h"

#define GROUP   (16 * PAGE)
#define GROUP_2 (16 * MEGA2)

static const struct ash_stage2_invalidation *last(const struct fixture *f)
{
    assert_true(f->fake.invalidations > 0U);
    return &f->fake.last[(f->fake.invalidations - 1U) % FAKE_STAGE2_INVALIDATIONS];
}

static void expect_hint(struct fixture *f, uint64_t ipa, uint64_t step, bool hint)
{
    for (unsigned i = 0; i < 16U; i++) {
        assert_true(at(f, ipa + i * step).valid);
        assert_int_equal(at(f, ipa + i * step).size, step);
        assert_int_equal(at(f, ipa + i * step).contiguous, hint);
    }
}

static void the_sixteenth_page_makes_a_group(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    for (unsigned i = 0; i < 16U; i++) {
        unsigned order = (i * 7U + 3U) % 16U;
        assert_int_equal(f.fake.invalidations, 0);
        assert_int_equal(map(&f, GROUP + order * PAGE, GIGA + 2 * GROUP + order * PAGE, PAGE, RW), ASH_OK);
        assert_int_equal(at(&f, GROUP + order * PAGE).contiguous, i == 15U);
    }
    expect_hint(&f, GROUP, PAGE, true);
    assert_int_equal(f.fake.invalidations, 1);
    assert_true(last(&f)->leaf_only);
    assert_int_equal(last(&f)->ipa.value, GROUP);
    assert_int_equal(last(&f)->size, GROUP);
    expect(&f, GROUP + 5 * PAGE, GIGA + 2 * GROUP + 5 * PAGE, PAGE, RW);
    end(&f);
}

static void the_sixteenth_block_makes_a_group(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    for (unsigned i = 0; i < 15U; i++) {
        assert_int_equal(map(&f, i * MEGA2, 2 * GIGA + i * MEGA2, MEGA2, RW), ASH_OK);
    }
    expect(&f, 0, 2 * GIGA, MEGA2, RW);
    assert_false(at(&f, 0).contiguous);
    /* The last one out of two halves: pages, then a block, then a group. */
    assert_int_equal(map(&f, 15 * MEGA2, 2 * GIGA + 15 * MEGA2, MEGA2 / 2, RW), ASH_OK);
    assert_int_equal(f.fake.invalidations, 0);
    assert_int_equal(map(&f, 15 * MEGA2 + MEGA2 / 2, 2 * GIGA + 15 * MEGA2 + MEGA2 / 2, MEGA2 / 2, RW),
                     ASH_OK);
    expect_hint(&f, 0, MEGA2, true);
    assert_int_equal(f.fake.invalidations, 2);
    assert_false(f.fake.last[0].leaf_only); /* a table went */
    assert_int_equal(f.fake.last[0].size, MEGA2);
    assert_true(f.fake.last[1].leaf_only);
    assert_int_equal(f.fake.last[1].size, GROUP_2);
    end(&f);
}

static void blocks_in_the_root_form_groups_too(void **state)
{
    struct ash_stage2_config config = config_of(34, PARANGE_40, true); /* the root is level 2 */
    struct fixture f;

    (void)state;
    fake_stage2_init(&f.fake);
    assert_int_equal(ash_stage2_init(&f.s2, &config, &fake_stage2_hal, &f.fake), ASH_OK);
    assert_int_equal(map(&f, GIGA, GIGA, 15 * MEGA2, RW), ASH_OK);
    assert_false(at(&f, GIGA).contiguous);
    assert_int_equal(map(&f, GIGA + 15 * MEGA2, GIGA + 15 * MEGA2, MEGA2, RW), ASH_OK);
    expect_hint(&f, GIGA, MEGA2, true);
    assert_int_equal(ash_stage2_protect(&f.s2, ash_ipa(GIGA + MEGA2), MEGA2, RO), ASH_OK);
    expect_hint(&f, GIGA, MEGA2, false);
    assert_int_equal(ash_stage2_protect(&f.s2, ash_ipa(GIGA + MEGA2), MEGA2, RW), ASH_OK);
    expect_hint(&f, GIGA, MEGA2, true);
    end(&f);
}

static void what_does_not_line_up_gets_no_hint(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    for (uint64_t i = 0; i < 16U; i++) {
        assert_int_equal(map(&f, i * PAGE, GIGA + (i + 1) * PAGE, PAGE, RW), ASH_OK); /* PA not aligned */
        assert_int_equal(map(&f, GROUP + i * PAGE, i == 9U ? 4 * GIGA : 2 * GIGA + i * PAGE, PAGE, RW),
                         ASH_OK);
        assert_int_equal(map(&f, 2 * GROUP + i * PAGE, 3 * GIGA + i * PAGE, PAGE, i == 15U ? RO : RW),
                         ASH_OK);
        if (i != 0U) {
            assert_int_equal(map(&f, 3 * GROUP + i * PAGE, 5 * GIGA + i * PAGE, PAGE, RW),
                             ASH_OK); /* a hole */
        }
    }
    expect_hint(&f, 0, PAGE, false);
    expect_hint(&f, GROUP, PAGE, false);
    expect_hint(&f, 2 * GROUP, PAGE, false);
    assert_false(at(&f, 3 * GROUP + PAGE).contiguous);
    assert_int_equal(f.fake.invalidations, 0);
    end(&f);
}

static void sixteen_blocks_of_1_gib_are_no_group(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    for (unsigned i = 0; i < 16U; i++) {
        assert_int_equal(map(&f, i * GIGA, 16 * GIGA + i * GIGA, GIGA, RW), ASH_OK);
    }
    expect_hint(&f, 0, GIGA, false);
    assert_int_equal(f.fake.invalidations, 0);
    end(&f);
}

static void without_the_option_there_are_no_hints(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, false);
    assert_int_equal(map(&f, 0, GIGA, GROUP, RW), ASH_OK);
    for (unsigned i = 0; i < 16U; i++) {
        assert_int_equal(map(&f, GROUP + i * PAGE, GIGA + GROUP + i * PAGE, PAGE, RW), ASH_OK);
    }
    assert_int_equal(ash_stage2_protect(&f.s2, ash_ipa(0), 2 * GROUP, RO), ASH_OK);
    expect_hint(&f, 0, PAGE, false);
    expect_hint(&f, GROUP, PAGE, false);
    assert_int_equal(f.fake.invalidations, 1);
    end(&f);
}

static void a_page_that_returns_to_its_group_brings_the_hint_back(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, GIGA, 3 * GROUP, RW), ASH_OK);
    assert_int_equal(ash_stage2_protect(&f.s2, ash_ipa(GROUP + PAGE), PAGE, RO), ASH_OK);
    expect_hint(&f, 0, PAGE, true);
    expect_hint(&f, GROUP, PAGE, false);
    expect_hint(&f, 2 * GROUP, PAGE, true);
    assert_int_equal(f.fake.invalidations, 2); /* the hint of the group, then the page */
    assert_int_equal(f.fake.last[0].size, GROUP);
    assert_int_equal(f.fake.last[1].size, PAGE);
    assert_true(f.fake.last[0].leaf_only && f.fake.last[1].leaf_only);
    assert_int_equal(ash_stage2_protect(&f.s2, ash_ipa(GROUP + PAGE), PAGE, RW), ASH_OK);
    expect_hint(&f, GROUP, PAGE, true);
    assert_int_equal(f.fake.invalidations, 4);
    end(&f);
}

static void pages_of_two_kinds_that_become_one_share_one_break(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, GIGA, PAGE, RO), ASH_OK);
    assert_int_equal(map(&f, PAGE, GIGA + PAGE, GROUP - PAGE, RW), ASH_OK);
    assert_int_equal(ash_stage2_protect(&f.s2, ash_ipa(0), GROUP, RWX), ASH_OK);
    expect_hint(&f, 0, PAGE, true);
    assert_int_equal(f.fake.invalidations, 1); /* all were away anyway: the hint came with them */
    expect(&f, 0, GIGA, PAGE, RWX);
    end(&f);
}

static void a_group_with_a_page_that_stays_is_broken_for_the_hint(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, GIGA, PAGE, RO), ASH_OK);
    assert_int_equal(map(&f, PAGE, GIGA + PAGE, GROUP - PAGE, RW), ASH_OK);
    assert_int_equal(ash_stage2_protect(&f.s2, ash_ipa(0), GROUP, RO), ASH_OK); /* page 0 has it already */
    expect_hint(&f, 0, PAGE, true);
    assert_int_equal(f.fake.invalidations, 2);
    end(&f);
}

static void protect_does_not_group_what_does_not_line_up(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, GIGA + PAGE, GROUP, RW), ASH_OK); /* not aligned */
    assert_int_equal(map(&f, GROUP, 2 * GIGA, GROUP / 2, RW), ASH_OK);
    assert_int_equal(map(&f, GROUP + GROUP / 2, 3 * GIGA, GROUP / 2, RW), ASH_OK); /* two runs */
    assert_int_equal(ash_stage2_protect(&f.s2, ash_ipa(0), 2 * GROUP, RO), ASH_OK);
    expect_hint(&f, 0, PAGE, false);
    expect_hint(&f, GROUP, PAGE, false);
    assert_int_equal(f.fake.invalidations, 1);
    end(&f);
}

static void a_split_gives_the_hint_to_all_groups_but_those_that_are_cut(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, GIGA, MEGA2, RW), ASH_OK);
    assert_int_equal(ash_stage2_unmap(&f.s2, ash_ipa(3 * GROUP), 2 * GROUP + PAGE), ASH_OK);
    expect_hint(&f, 0, PAGE, true);
    expect_hint(&f, 2 * GROUP, PAGE, true); /* ends where the hole begins */
    assert_false(at(&f, 3 * GROUP).valid);
    assert_false(at(&f, 5 * GROUP + PAGE).contiguous);
    expect_hint(&f, 6 * GROUP, PAGE, true);
    assert_int_equal(f.fake.invalidations, 2);
    assert_false(f.fake.last[0].leaf_only); /* a table came */
    assert_int_equal(ash_stage2_unmap(&f.s2, ash_ipa(7 * GROUP), MEGA2 - 7 * GROUP), ASH_OK);
    expect_hint(&f, 6 * GROUP, PAGE, true);
    assert_int_equal(f.fake.invalidations, 3); /* whole groups need no break of their own */
    end(&f);
}

static void a_block_of_a_group_is_split_after_the_group(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 0, GIGA, GROUP_2, RW), ASH_OK);
    expect_hint(&f, 0, MEGA2, true);
    assert_int_equal(ash_stage2_unmap(&f.s2, ash_ipa(2 * MEGA2 + GROUP), GROUP), ASH_OK);
    assert_int_equal(f.fake.invalidations, 3);
    assert_int_equal(f.fake.last[0].size, GROUP_2); /* the hint */
    assert_int_equal(f.fake.last[1].size, MEGA2);   /* the block */
    assert_int_equal(f.fake.last[2].size, GROUP);   /* the pages */
    assert_false(at(&f, 0).contiguous);
    /* And all the way back. */
    assert_int_equal(map(&f, 2 * MEGA2 + GROUP, GIGA + 2 * MEGA2 + GROUP, GROUP, RW), ASH_OK);
    expect_hint(&f, 0, MEGA2, true);
    end(&f);
}

static void a_group_that_is_filled_up_is_broken_first(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, true);
    assert_int_equal(map(&f, 4 * PAGE, GIGA + 4 * PAGE, 4 * PAGE, RW), ASH_OK);
    assert_int_equal(map(&f, 0, GIGA, 2 * GROUP, RW), ASH_OK); /* round it */
    expect_hint(&f, 0, PAGE, true);
    expect_hint(&f, GROUP, PAGE, true);
    assert_int_equal(f.fake.invalidations, 1); /* four pages were there without the hint */
    assert_int_equal(last(&f)->ipa.value, 0);
    assert_int_equal(last(&f)->size, GROUP);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sixteenth_page_makes_a_group),
        cmocka_unit_test(the_sixteenth_block_makes_a_group),
        cmocka_unit_test(blocks_in_the_root_form_groups_too),
        cmocka_unit_test(what_does_not_line_up_gets_no_hint),
        cmocka_unit_test(sixteen_blocks_of_1_gib_are_no_group),
        cmocka_unit_test(without_the_option_there_are_no_hints),
        cmocka_unit_test(a_page_that_returns_to_its_group_brings_the_hint_back),
        cmocka_unit_test(pages_of_two_kinds_that_become_one_share_one_break),
        cmocka_unit_test(a_group_with_a_page_that_stays_is_broken_for_the_hint),
        cmocka_unit_test(protect_does_not_group_what_does_not_line_up),
        cmocka_unit_test(a_split_gives_the_hint_to_all_groups_but_those_that_are_cut),
        cmocka_unit_test(a_block_of_a_group_is_split_after_the_group),
        cmocka_unit_test(a_group_that_is_filled_up_is_broken_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
