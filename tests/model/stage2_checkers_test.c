/* SPDX-License-Identifier: BSD-2-Clause */
/** The checkers of the model test can fail: hand-made sequences, right ones and wrong ones, driven through the same
 *  operations that the library uses. */
#include <testkit/cmocka.h>

#include <string.h>

#include "stage2_machine.h"
#include "stage2_oracle.h"
#include "stage2_walker.h"

#define BASE_PA UINT64_C(0x40000000)
#define VMID    7U
#define MMFR0   UINT64_C(0x2) /* 40-bit PA, 4 KiB granule */
/* T0SZ = 25 (39 bits), SL0 = 1 (level 1), walks WBWA Inner Shareable, PS = 40 bits. */
#define VTCR (UINT64_C(0x80000000) | (UINT64_C(2) << 16) | (UINT64_C(0x35) << 8) | (UINT64_C(1) << 6) | 25U)
/* AF, Inner Shareable, S2AP read and write, Normal Write-Back, execute-never. */
#define ATTR       (ASH_BIT(54) | ASH_BIT(10) | (UINT64_C(3) << 8) | (UINT64_C(3) << 6) | (UINT64_C(0xF) << 2))
#define READ_ONLY  (ATTR & ~ASH_BIT(7))
#define PAGE(pa)   ((pa) | ATTR | 3U)
#define BLOCK(pa)  ((pa) | ATTR | 1U)
#define TABLE(t)   ((t).pa | 3U)
#define CONTIGUOUS ASH_BIT(52)
#define MIB        UINT64_C(0x100000)

struct table {
    uint64_t pa, *entry;
};

struct fixture {
    struct stage2_machine machine;
    struct oracle oracle;
    struct s2_regime regime;
    struct table root, level2, level3; /* IPA 0: linked, empty */
};

static struct table new_table(struct fixture *f)
{
    struct table table;
    ash_pa_t pa;

    assert_int_equal(machine_hal.table_alloc(&f->machine, 1, &pa), ASH_OK);
    table.pa = pa.value;
    table.entry = machine_hal.table_at(&f->machine, pa);
    memset(table.entry, 0, 4096);
    return table;
}

static void publish(struct fixture *f, const uint64_t *first, size_t count)
{
    machine_hal.publish(&f->machine, first, count);
}

static void put(struct fixture *f, uint64_t *slot, uint64_t descriptor)
{
    *slot = descriptor;
    publish(f, slot, 1);
}

static void invalidate(struct fixture *f, uint64_t ipa, uint64_t size, bool leaf_only)
{
    struct ash_stage2_invalidation what = {VMID, false, leaf_only, ash_ipa(ipa), size};

    machine_hal.invalidate(&f->machine, &what);
}

static bool agrees(void *ctx, uint64_t ipa, uint64_t size, uint64_t descriptor, unsigned level)
{
    struct fixture *f = ctx;
    uint32_t attr;

    return s2_leaf_attr(descriptor, &attr) == NULL &&
           oracle_is(&f->oracle, ipa, size, s2_address(descriptor, level) | ORACLE_VALID | attr);
}

/* Nothing was wrong so far, or exactly @expected was found (perhaps with more that follows from it). */
static void settle(struct fixture *f)
{
    tlb_settle(&f->machine.tlb, agrees, f);
}

static void expect_clean(struct fixture *f)
{
    settle(f);
    if (f->machine.tlb.violations != 0U) {
        fail_msg("%s", f->machine.tlb.message);
    }
}

static void expect_caught(struct fixture *f, enum tlb_violation expected)
{
    settle(f);
    if (f->machine.tlb.violation[expected] == 0U) {
        fail_msg("not caught: %s (but: %s)", tlb_violation_name(expected), f->machine.tlb.message);
    }
}

static int setup(void **state)
{
    static struct fixture f;
    const char *wrong;

    memset(&f, 0, sizeof(f));
    machine_init(&f.machine, BASE_PA, 1);
    oracle_init(&f.oracle, 39, 40);
    oracle_add_window(&f.oracle, 0, 1024U * MIB);
    f.root = new_table(&f);
    publish(&f, f.root.entry, 512);
    wrong = s2_regime_decode(VTCR, f.root.pa | ((uint64_t)VMID << 48), MMFR0, 0, &f.regime);
    assert_null(wrong);
    tlb_load(&f.machine.tlb, &f.regime);
    f.level3 = new_table(&f);
    f.level2 = new_table(&f);
    f.level2.entry[0] = TABLE(f.level3);
    publish(&f, f.level3.entry, 512);
    publish(&f, f.level2.entry, 512);
    put(&f, &f.root.entry[0], TABLE(f.level2));
    *state = &f;
    expect_clean(&f);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    oracle_fini(&f->oracle);
    machine_fini(&f->machine);
    return 0;
}

static void map_page(struct fixture *f, unsigned slot)
{
    uint64_t pa = 0x80000000U + slot * UINT64_C(4096);

    put(f, &f->level3.entry[slot], PAGE(pa));
    assert_int_equal(
        oracle_map(&f->oracle, slot * UINT64_C(4096), pa, 4096, ASH_STAGE2_READ | ASH_STAGE2_WRITE), ASH_OK);
}

static void map_group(struct fixture *f, unsigned first)
{
    for (unsigned i = 0; i < 16U; i++) {
        f->level3.entry[first + i] = PAGE(0x80000000U + (first + i) * UINT64_C(4096)) | CONTIGUOUS;
    }
    publish(f, &f->level3.entry[first], 16);
    assert_int_equal(oracle_map(&f->oracle, first * UINT64_C(4096), 0x80000000U + first * UINT64_C(4096),
                                0x10000, ASH_STAGE2_READ | ASH_STAGE2_WRITE),
                     ASH_OK);
}

static void map_block(struct fixture *f)
{
    put(f, &f->level2.entry[1], BLOCK(0x80200000U));
    assert_int_equal(
        oracle_map(&f->oracle, 2U * MIB, 0x80200000U, 2U * MIB, ASH_STAGE2_READ | ASH_STAGE2_WRITE), ASH_OK);
}

static void forget(struct fixture *f, uint64_t ipa, uint64_t size)
{
    assert_int_equal(oracle_unmap(&f->oracle, ipa, size), ASH_OK);
}

/* ---- Right sequences ------------------------------------------------------------------------------------- */

static void mapping_into_a_hole_needs_no_invalidation(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    map_group(f, 16);
    map_block(f);
    expect_clean(f);
}

static void unmapping_with_publish_and_invalidation_is_right(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level3.entry[3], 0);
    invalidate(f, 0x3000, 0x1000, true);
    forget(f, 0x3000, 0x1000);
    expect_clean(f);
}

static void a_permission_may_change_without_break_before_make(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level3.entry[3], 0x80003000U | READ_ONLY | 3U);
    invalidate(f, 0x3000, 0x1000, true);
    assert_int_equal(oracle_protect(&f->oracle, 0x3000, 0x1000, ASH_STAGE2_READ), ASH_OK);
    expect_clean(f);
}

static void fill_split_table(struct fixture *f, struct table *table)
{
    *table = new_table(f);
    for (unsigned i = 0; i < 512U; i++) {
        table->entry[i] = PAGE(0x80200000U + i * UINT64_C(4096));
    }
    publish(f, table->entry, 512);
}

static void a_block_split_by_break_before_make_is_right(void **state)
{
    struct fixture *f = *state;
    struct table table;

    map_block(f);
    fill_split_table(f, &table);
    put(f, &f->level2.entry[1], 0);
    invalidate(f, 2U * MIB, 2U * MIB, true);
    put(f, &f->level2.entry[1], TABLE(table));
    expect_clean(f);
}

static void a_table_freed_after_a_full_invalidation_is_right(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level2.entry[0], 0);
    invalidate(f, 0, 2U * MIB, false);
    machine_hal.table_free(&f->machine, ash_pa(f->level3.pa), 1);
    forget(f, 0, 2U * MIB);
    expect_clean(f);
}

static void a_contiguous_group_broken_whole_is_right(void **state)
{
    struct fixture *f = *state;

    map_group(f, 16);
    memset(&f->level3.entry[16], 0, 16U * sizeof(uint64_t));
    publish(f, &f->level3.entry[16], 16);
    invalidate(f, 0x10000, 0x10000, true);
    for (unsigned i = 17; i < 32U; i++) {
        f->level3.entry[i] = PAGE(0x80000000U + i * UINT64_C(4096));
    }
    publish(f, &f->level3.entry[17], 15);
    forget(f, 0x10000, 0x1000);
    expect_clean(f);
}

static void destroying_an_unloaded_table_with_one_invalidation_is_right(void **state)
{
    struct fixture *f = *state;
    struct ash_stage2_invalidation all = {VMID, true, false, ash_ipa(0), 0};

    map_page(f, 3);
    tlb_unload(&f->machine.tlb);
    machine_hal.invalidate(&f->machine, &all);
    machine_hal.table_free(&f->machine, ash_pa(f->level3.pa), 1);
    machine_hal.table_free(&f->machine, ash_pa(f->level2.pa), 1);
    machine_hal.table_free(&f->machine, ash_pa(f->root.pa), 1);
    oracle_clear(&f->oracle);
    expect_clean(f);
}

/* ---- Missing and insufficient invalidation --------------------------------------------------------------- */

static void a_dropped_invalidation_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level3.entry[3], 0);
    forget(f, 0x3000, 0x1000);
    expect_caught(f, TLB_STALE_LEAF);
}

static void a_dropped_invalidation_after_a_permission_change_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level3.entry[3], 0x80003000U | READ_ONLY | 3U);
    assert_int_equal(oracle_protect(&f->oracle, 0x3000, 0x1000, ASH_STAGE2_READ), ASH_OK);
    expect_caught(f, TLB_STALE_LEAF);
}

static void an_invalidation_of_the_wrong_page_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level3.entry[3], 0);
    invalidate(f, 0x4000, 0x1000, true);
    forget(f, 0x3000, 0x1000);
    expect_caught(f, TLB_STALE_LEAF);
}

static void an_invalidation_under_the_wrong_vmid_is_caught(void **state)
{
    struct fixture *f = *state;
    struct ash_stage2_invalidation what = {VMID + 1U, false, true, ash_ipa(0x3000), 0x1000};

    map_page(f, 3);
    put(f, &f->level3.entry[3], 0);
    machine_hal.invalidate(&f->machine, &what);
    forget(f, 0x3000, 0x1000);
    expect_caught(f, TLB_STALE_LEAF);
}

static void an_invalidation_before_the_store_is_published_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    f->level3.entry[3] = 0;
    invalidate(f, 0x3000, 0x1000, true); /* a walk may still read the old descriptor, and cache it again */
    publish(f, &f->level3.entry[3], 1);
    forget(f, 0x3000, 0x1000);
    expect_caught(f, TLB_STALE_LEAF);
}

static void an_invalidation_before_the_store_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    invalidate(f, 0x3000, 0x1000, true);
    put(f, &f->level3.entry[3], 0);
    forget(f, 0x3000, 0x1000);
    expect_caught(f, TLB_STALE_LEAF);
}

static void a_combined_entry_outlives_invalidation_by_ipa(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level3.entry[3], 0);
    tlb_invalidate_ipa(&f->machine.tlb, VMID, 0x3000, 0x1000, true);
    forget(f, 0x3000, 0x1000);
    expect_caught(f, TLB_STALE_LEAF);
}

static void stage_1_maintenance_before_stage_2_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level3.entry[3], 0);
    tlb_invalidate_stage1(&f->machine.tlb, VMID); /* the stage-2 entry makes a combined one again */
    tlb_invalidate_ipa(&f->machine.tlb, VMID, 0x3000, 0x1000, true);
    forget(f, 0x3000, 0x1000);
    expect_caught(f, TLB_STALE_LEAF);
}

static void a_page_taken_out_of_a_contiguous_group_is_caught(void **state)
{
    struct fixture *f = *state;

    map_group(f, 16);
    put(f, &f->level3.entry[20], 0);
    invalidate(f, 20U * UINT64_C(4096), 0x1000, true); /* its 15 neighbours fill the group again */
    forget(f, 20U * UINT64_C(4096), 0x1000);
    expect_caught(f, TLB_STALE_LEAF);
}

static void leaf_only_where_a_table_changed_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level2.entry[0], 0);
    invalidate(f, 0, 2U * MIB, true);
    forget(f, 0, 2U * MIB);
    expect_caught(f, TLB_STALE_TABLE);
    assert_true(f->machine.tlb.violation[TLB_STALE_LEAF] > 0U); /* and through it the page can be walked to */
}

static void an_invalidation_of_a_part_of_an_unlinked_table_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->root.entry[0], 0);
    invalidate(f, 4U * MIB, 2U * MIB, false); /* the level 1 descriptor goes, the level 2 one stays */
    forget(f, 0, 2U * MIB);
    expect_caught(f, TLB_STALE_TABLE);
}

/* ---- Freed tables ---------------------------------------------------------------------------------------- */

static void a_table_freed_while_cached_is_caught(void **state)
{
    struct fixture *f = *state;

    put(f, &f->level2.entry[0], 0);
    machine_hal.table_free(&f->machine, ash_pa(f->level3.pa), 1);
    invalidate(f, 0, 2U * MIB, false);
    expect_caught(f, TLB_FREED_CACHED);
}

static void a_table_freed_after_a_leaf_only_invalidation_is_caught(void **state)
{
    struct fixture *f = *state;

    put(f, &f->level2.entry[0], 0);
    invalidate(f, 0, 2U * MIB, true);
    machine_hal.table_free(&f->machine, ash_pa(f->level3.pa), 1);
    expect_caught(f, TLB_FREED_CACHED);
}

static void a_table_freed_while_linked_is_caught(void **state)
{
    struct fixture *f = *state;

    machine_hal.table_free(&f->machine, ash_pa(f->level3.pa), 1);
    put(f, &f->level2.entry[0], 0);
    invalidate(f, 0, 2U * MIB, false);
    expect_caught(f, TLB_FREED_LINKED);
}

static void a_table_below_a_cached_one_freed_is_caught(void **state)
{
    struct fixture *f = *state;

    put(f, &f->root.entry[0], 0);
    machine_hal.table_free(&f->machine, ash_pa(f->level3.pa), 1);
    invalidate(f, 0, 1024U * MIB, false);
    expect_caught(f, TLB_FREED_CACHED);
}

/* ---- Break-before-make ----------------------------------------------------------------------------------- */

static void another_output_address_without_break_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level3.entry[3], PAGE(0x90000000U));
    invalidate(f, 0x3000, 0x1000, true);
    expect_caught(f, TLB_BBM_OUTPUT);
}

static void another_memory_type_without_break_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level3.entry[3], PAGE(0x80003000U) & ~(UINT64_C(0xE) << 2));
    invalidate(f, 0x3000, 0x1000, true);
    expect_caught(f, TLB_BBM_OUTPUT);
}

static void a_break_without_invalidation_before_the_make_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 3);
    put(f, &f->level3.entry[3], 0);
    put(f, &f->level3.entry[3], PAGE(0x90000000U));
    invalidate(f, 0x3000, 0x1000, true);
    expect_caught(f, TLB_BBM_OUTPUT);
}

static void a_block_turned_into_a_table_without_break_is_caught(void **state)
{
    struct fixture *f = *state;
    struct table table;

    map_block(f);
    fill_split_table(f, &table);
    put(f, &f->level2.entry[1], TABLE(table));
    invalidate(f, 2U * MIB, 2U * MIB, false);
    expect_caught(f, TLB_BBM_BLOCK_TO_TABLE);
}

static void a_block_split_with_a_late_invalidation_is_caught(void **state)
{
    struct fixture *f = *state;
    struct table table;

    map_block(f);
    fill_split_table(f, &table);
    put(f, &f->level2.entry[1], 0);
    put(f, &f->level2.entry[1], TABLE(table));
    invalidate(f, 2U * MIB, 2U * MIB, false);
    expect_caught(f, TLB_BBM_SIZE);
}

static void a_table_turned_into_a_block_without_break_is_caught(void **state)
{
    struct fixture *f = *state;

    put(f, &f->level2.entry[0], BLOCK(0x80000000U));
    invalidate(f, 0, 2U * MIB, false);
    expect_caught(f, TLB_BBM_TABLE_TO_BLOCK);
}

static void a_coalesced_table_invalidated_leaf_only_is_caught(void **state)
{
    struct fixture *f = *state;

    put(f, &f->level2.entry[0], 0);
    invalidate(f, 0, 2U * MIB, true);
    put(f, &f->level2.entry[0], BLOCK(0x80000000U));
    expect_caught(f, TLB_BBM_TABLE_TO_BLOCK);
}

static void a_replaced_table_without_break_is_caught(void **state)
{
    struct fixture *f = *state;
    struct table other = new_table(f);

    publish(f, other.entry, 512);
    put(f, &f->level2.entry[0], TABLE(other));
    invalidate(f, 0, 2U * MIB, false);
    expect_caught(f, TLB_BBM_TABLE_REPLACED);
}

static void the_contiguous_hint_set_without_break_is_caught(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 16; i < 32U; i++) {
        map_page(f, i);
    }
    for (unsigned i = 16; i < 32U; i++) {
        f->level3.entry[i] |= CONTIGUOUS;
    }
    publish(f, &f->level3.entry[16], 16);
    invalidate(f, 0x10000, 0x10000, true);
    expect_caught(f, TLB_BBM_CONTIGUOUS);
}

static void the_contiguous_hint_cleared_without_break_is_caught(void **state)
{
    struct fixture *f = *state;

    map_group(f, 16);
    for (unsigned i = 16; i < 32U; i++) {
        f->level3.entry[i] &= ~CONTIGUOUS;
    }
    publish(f, &f->level3.entry[16], 16);
    invalidate(f, 0x10000, 0x10000, true);
    expect_caught(f, TLB_BBM_CONTIGUOUS);
}

static void the_contiguous_hint_beside_a_plain_neighbour_is_caught(void **state)
{
    struct fixture *f = *state;

    map_page(f, 17);
    put(f, &f->level3.entry[16], PAGE(0x80010000U) | CONTIGUOUS);
    expect_caught(f, TLB_BBM_CONTIGUOUS);
}

/* ---- Order of stores ------------------------------------------------------------------------------------- */

static void a_table_linked_before_it_is_published_is_caught(void **state)
{
    struct fixture *f = *state;
    struct table table = new_table(f);

    put(f, &f->level2.entry[1], TABLE(table));
    publish(f, table.entry, 512);
    expect_caught(f, TLB_LINK_BEFORE_PUBLISH);
}

static void a_table_published_in_part_is_caught(void **state)
{
    struct fixture *f = *state;
    struct table table = new_table(f);

    publish(f, table.entry, 511);
    put(f, &f->level2.entry[1], TABLE(table));
    expect_caught(f, TLB_LINK_BEFORE_PUBLISH);
}

static void a_link_stored_before_the_contents_are_published_is_caught(void **state)
{
    struct fixture *f = *state;
    struct table table = new_table(f);

    f->level2.entry[1] = TABLE(table);
    publish(f, table.entry, 512);
    publish(f, &f->level2.entry[1], 1);
    expect_caught(f, TLB_LINK_BEFORE_PUBLISH);
}

static void a_store_never_published_is_caught(void **state)
{
    struct fixture *f = *state;

    f->level3.entry[3] = PAGE(0x80003000U);
    assert_int_equal(oracle_map(&f->oracle, 0x3000, 0x80003000U, 4096, ASH_STAGE2_READ | ASH_STAGE2_WRITE),
                     ASH_OK);
    expect_caught(f, TLB_UNPUBLISHED);
}

static void a_link_to_no_table_is_caught(void **state)
{
    struct fixture *f = *state;

    put(f, &f->level2.entry[1], UINT64_C(0x12345000) | 3U);
    expect_caught(f, TLB_BAD_TABLE);
}

static void a_table_that_serves_twice_is_caught(void **state)
{
    struct fixture *f = *state;

    put(f, &f->level2.entry[1], TABLE(f->level3));
    expect_caught(f, TLB_BAD_TABLE);
}

/* ---- The walker ------------------------------------------------------------------------------------------ */

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

#define CHECK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK(mapping_into_a_hole_needs_no_invalidation),
        CHECK(unmapping_with_publish_and_invalidation_is_right),
        CHECK(a_permission_may_change_without_break_before_make),
        CHECK(a_block_split_by_break_before_make_is_right),
        CHECK(a_table_freed_after_a_full_invalidation_is_right),
        CHECK(a_contiguous_group_broken_whole_is_right),
        CHECK(destroying_an_unloaded_table_with_one_invalidation_is_right),
        CHECK(a_dropped_invalidation_is_caught),
        CHECK(a_dropped_invalidation_after_a_permission_change_is_caught),
        CHECK(an_invalidation_of_the_wrong_page_is_caught),
        CHECK(an_invalidation_under_the_wrong_vmid_is_caught),
        CHECK(an_invalidation_before_the_store_is_published_is_caught),
        CHECK(an_invalidation_before_the_store_is_caught),
        CHECK(a_combined_entry_outlives_invalidation_by_ipa),
        CHECK(stage_1_maintenance_before_stage_2_is_caught),
        CHECK(a_page_taken_out_of_a_contiguous_group_is_caught),
        CHECK(leaf_only_where_a_table_changed_is_caught),
        CHECK(an_invalidation_of_a_part_of_an_unlinked_table_is_caught),
        CHECK(a_table_freed_while_cached_is_caught),
        CHECK(a_table_freed_after_a_leaf_only_invalidation_is_caught),
        CHECK(a_table_freed_while_linked_is_caught),
        CHECK(a_table_below_a_cached_one_freed_is_caught),
        CHECK(another_output_address_without_break_is_caught),
        CHECK(another_memory_type_without_break_is_caught),
        CHECK(a_break_without_invalidation_before_the_make_is_caught),
        CHECK(a_block_turned_into_a_table_without_break_is_caught),
        CHECK(a_block_split_with_a_late_invalidation_is_caught),
        CHECK(a_table_turned_into_a_block_without_break_is_caught),
        CHECK(a_coalesced_table_invalidated_leaf_only_is_caught),
        CHECK(a_replaced_table_without_break_is_caught),
        CHECK(the_contiguous_hint_set_without_break_is_caught),
        CHECK(the_contiguous_hint_cleared_without_break_is_caught),
        CHECK(the_contiguous_hint_beside_a_plain_neighbour_is_caught),
        CHECK(a_table_linked_before_it_is_published_is_caught),
        CHECK(a_table_published_in_part_is_caught),
        CHECK(a_link_stored_before_the_contents_are_published_is_caught),
        CHECK(a_store_never_published_is_caught),
        CHECK(a_link_to_no_table_is_caught),
        CHECK(a_table_that_serves_twice_is_caught),
        CHECK(the_walker_refuses_malformed_descriptors),
        CHECK(the_walker_refuses_contiguous_groups_that_do_not_line_up),
        CHECK(the_walker_translates_as_the_manual_says),
        CHECK(the_walker_counts_what_could_be_merged_or_freed),
        CHECK(the_walker_refuses_wrong_registers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
