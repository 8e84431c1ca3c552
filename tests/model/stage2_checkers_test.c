/* SPDX-License-Identifier: BSD-2-Clause */
/** The shadow TLB can fail: hand-made sequences, right ones and wrong ones, driven through the same operations that
 *  the library uses. */
#include <testkit/cmocka.h>

#include <string.h>

#include "stage2_fixture.h"

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

#define CHECK(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
