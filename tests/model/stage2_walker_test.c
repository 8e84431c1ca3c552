/* SPDX-License-Identifier: BSD-2-Clause */
/** The walker translates, counts and refuses as the manual says. */
#include <testkit/cmocka.h>

#include "stage2_fixture.h"

static const char *scan(struct fixture *f)
{
    struct s2_census census;

    return s2_scan(&f->regime, &f->machine.walk, 0, ASH_BIT(39), NULL, NULL, &census);
}

static void expect_malformed(struct fixture *f, uint64_t *slot, uint64_t descriptor)
{
    struct s2_leaf leaf;
    uint64_t before = *slot;

    *slot = descriptor;
    assert_non_null(scan(f));
    if (slot == &f->level3.entry[5]) {
        assert_non_null(s2_walk(&f->regime, &f->machine.walk, 0x5123, &leaf));
    }
    *slot = before;
    assert_null(scan(f));
}

static void the_walker_refuses_malformed_descriptors(void **state)
{
    struct fixture *f = *state;
    uint64_t *page = &f->level3.entry[5];
    uint64_t good = PAGE(0x80005000U);

    expect_malformed(f, page, good & ~ASH_BIT(10));                   /* AF */
    expect_malformed(f, page, good | ASH_BIT(11));                    /* RES0 */
    expect_malformed(f, page, good | ASH_BIT(48));                    /* RES0 */
    expect_malformed(f, page, good | ASH_BIT(51));                    /* DBM */
    expect_malformed(f, page, good | ASH_BIT(53));                    /* XN[0] */
    expect_malformed(f, page, good | ASH_BIT(63));                    /* RES0 */
    expect_malformed(f, page, good & ~ASH_MASK(7, 6));                /* S2AP none */
    expect_malformed(f, page, good & ~ASH_BIT(6));                    /* S2AP write-only */
    expect_malformed(f, page, good & ~ASH_MASK(9, 8));                /* Non-shareable WB */
    expect_malformed(f, page, (good & ~ASH_MASK(9, 8)) | ASH_BIT(8)); /* SH reserved */
    expect_malformed(f, page, (good & ~ASH_MASK(5, 2)) | ASH_BIT(4)); /* MemAttr reserved */
    expect_malformed(f, page, good | ASH_BIT(40));                    /* beyond PS */
    expect_malformed(f, page, good & ~ASH_BIT(1));                    /* reserved at level 3 */
    expect_malformed(f, &f->level2.entry[7], BLOCK(0x80001000U));
    expect_malformed(f, &f->root.entry[7], BLOCK(0x80200000U));
    expect_malformed(f, &f->level2.entry[7], TABLE(f->level3) | ASH_BIT(63));
    expect_malformed(f, &f->level2.entry[7], UINT64_C(0x12345000) | 3U);
}

static void the_walker_refuses_contiguous_groups_that_do_not_line_up(void **state)
{
    struct fixture *f = *state;

    map_group(f, 16);
    assert_null(scan(f));
    expect_malformed(f, &f->level3.entry[20], 0);
    expect_malformed(f, &f->level3.entry[20], f->level3.entry[20] & ~CONTIGUOUS);
    expect_malformed(f, &f->level3.entry[20], f->level3.entry[20] + 4096U);
    expect_malformed(f, &f->level3.entry[20], f->level3.entry[20] & ~ASH_BIT(7));
    expect_malformed(f, &f->level3.entry[5], PAGE(0x80005000U) | CONTIGUOUS);
    for (unsigned i = 16; i < 32U; i++) {
        f->level3.entry[i] += 4096U; /* lines up, but the output address is not aligned */
    }
    assert_non_null(scan(f));
}

static void the_walker_translates_as_the_manual_says(void **state)
{
    struct fixture *f = *state;
    struct s2_leaf leaf;

    map_page(f, 3);
    map_block(f);
    put(f, &f->root.entry[511], BLOCK(UINT64_C(0xFFC0000000)));
    assert_null(s2_walk(&f->regime, &f->machine.walk, 0x3ABC, &leaf));
    assert_true(leaf.valid && leaf.ipa == 0x3000U && leaf.size == 4096U && leaf.pa == 0x80003000U);
    assert_int_equal(leaf.attr, ASH_STAGE2_READ | ASH_STAGE2_WRITE);
    assert_null(s2_walk(&f->regime, &f->machine.walk, 3U * MIB, &leaf));
    assert_true(leaf.valid && leaf.ipa == 2U * MIB && leaf.size == 2U * MIB && leaf.pa == 0x80200000U);
    assert_null(s2_walk(&f->regime, &f->machine.walk, ASH_BIT(39) - 1U, &leaf));
    assert_true(leaf.valid && leaf.level == 1U && leaf.size == 1024U * MIB &&
                leaf.pa == UINT64_C(0xFFC0000000));
    assert_null(s2_walk(&f->regime, &f->machine.walk, 4U * MIB, &leaf));
    assert_true(!leaf.valid && leaf.size == 2U * MIB);
}

static void the_walker_counts_what_could_be_merged_or_freed(void **state)
{
    struct fixture *f = *state;
    struct s2_census census;

    assert_null(s2_scan(&f->regime, &f->machine.walk, 0, ASH_BIT(39), NULL, NULL, &census));
    assert_int_equal(census.empty, 1);
    for (unsigned i = 0; i < 512U; i++) {
        f->level3.entry[i] = PAGE(0x80000000U + i * UINT64_C(4096));
    }
    assert_null(s2_scan(&f->regime, &f->machine.walk, 0, ASH_BIT(39), NULL, NULL, &census));
    assert_int_equal(census.empty, 0);
    assert_int_equal(census.mergeable, 1);
    assert_int_equal(census.tables[1] + census.tables[2] + census.tables[3], 3);
}

static void the_walker_refuses_wrong_registers(void **state)
{
    struct fixture *f = *state;
    uint64_t vttbr = f->root.pa | ((uint64_t)VMID << 48);
    static const uint64_t flips[] = {
        ASH_BIT(31), ASH_BIT(14),
        ASH_BIT(16), ASH_BIT(12),
        ASH_BIT(8),  ASH_BIT(19),
        ASH_BIT(21), ASH_BIT(32),
        3U << 6,     /* SL0 = 0b10: level 0 below 44 PA bits */ ASH_BIT(6), /* level 2 for 39 bits */
    };
    struct s2_regime regime;

    for (size_t i = 0; i < ASH_ARRAY_SIZE(flips); i++) {
        assert_non_null(s2_regime_decode(VTCR ^ flips[i], vttbr, MMFR0, 0, &regime));
    }
    assert_non_null(s2_regime_decode(VTCR, vttbr | 1U, MMFR0, 0, &regime));
    assert_non_null(s2_regime_decode(VTCR, vttbr | ASH_BIT(11), MMFR0, 0, &regime));
    assert_non_null(s2_regime_decode(VTCR, vttbr | ASH_BIT(46), MMFR0, 0, &regime));
    assert_non_null(s2_regime_decode(VTCR, vttbr | ASH_BIT(60), MMFR0, 0, &regime));
    /* 40 bits from level 1: two concatenated tables, aligned to both. */
    assert_null(s2_regime_decode(VTCR - 1U, BASE_PA, MMFR0, 0, &regime));
    assert_int_equal(regime.root_pages, 2);
    assert_non_null(s2_regime_decode(VTCR - 1U, BASE_PA + 4096U, MMFR0, 0, &regime));
}

#define CHECK(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK(the_walker_refuses_malformed_descriptors),
        CHECK(the_walker_refuses_contiguous_groups_that_do_not_line_up),
        CHECK(the_walker_translates_as_the_manual_says),
        CHECK(the_walker_counts_what_could_be_merged_or_freed),
        CHECK(the_walker_refuses_wrong_registers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
