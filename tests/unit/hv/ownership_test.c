/* SPDX-License-Identifier: BSD-2-Clause */
/* The ownership map of a board before the first VM. */
#include <string.h>

#include "core/ownership.h"
#include "testkit/cmocka.h"

#define MIB  UINT64_C(0x100000)
#define BASE UINT64_C(0x40000000)

static struct ash_boot_board board;
static struct hv_ownership of;
static struct hv_ranges map;
static char why[160];

static int make(void **state)
{
    (void)state;
    memset(&map, 0, sizeof(map));
    memset(&board, 0, sizeof(board));
    board.memory_count = 1;
    board.memory[0] = (struct ash_boot_region){ash_pa(BASE), 64U * MIB};
    board.tree_size = 5000;
    board.initrd = (struct ash_boot_region){ash_pa(BASE + 32U * MIB), 3U * MIB};
    of = (struct hv_ownership){
        .board = &board, .image = BASE + 2U * MIB, .image_size = MIB, .tree = BASE + 40U * MIB + 8U};
    return 0;
}

static enum hv_owner owner_of(uint64_t address)
{
    struct hv_range part;

    return hv_ranges_first_taken(&map, address, 1, &part) ? part.owner : HV_OWNER_FREE;
}

static void reserve(unsigned i, uint64_t base, uint64_t size, bool no_map)
{
    board.reserved[i].region = (struct ash_boot_region){ash_pa(base), size};
    board.reserved[i].no_map = no_map;
    board.reserved_count = i + 1U;
}

static void everything_has_its_owner(void **state)
{
    uint64_t pool = 0;

    (void)state;
    reserve(0, BASE + 60U * MIB, MIB, false);
    reserve(1, BASE + 60U * MIB + 4096U, 4096, true); /* inside the other: must not be mapped all the same */
    reserve(2, BASE + 40U * MIB, 2U * MIB, false);    /* over the tree: the tree stays the tree's */
    assert_int_equal(hv_ownership_build(&map, &of, why, sizeof(why)), ASH_OK);
    assert_int_equal(owner_of(BASE), HV_OWNER_FREE);
    assert_int_equal(owner_of(BASE + 2U * MIB), HV_OWNER_HV);
    assert_int_equal(owner_of(BASE + 3U * MIB), HV_OWNER_FREE);
    assert_int_equal(owner_of(BASE + 32U * MIB), HV_OWNER_BUNDLE);
    assert_int_equal(owner_of(BASE + 40U * MIB + 4999U), HV_OWNER_BOARD_DT);
    assert_int_equal(owner_of(BASE + 41U * MIB), HV_OWNER_FIRMWARE);
    assert_int_equal(owner_of(BASE + 60U * MIB), HV_OWNER_FIRMWARE);
    assert_int_equal(owner_of(BASE + 60U * MIB + 4096U), HV_OWNER_NO_MAP);
    assert_int_equal(owner_of(BASE + 64U * MIB), HV_OWNER_NOT_RAM);
    assert_int_equal(hv_ownership_take_pool(&map, &pool), ASH_OK);
    assert_int_equal(owner_of(pool), HV_OWNER_HV);
    assert_int_equal(owner_of(pool + HV_POOL_PAGES * 4096U - 1U), HV_OWNER_HV);
}

static void without_an_initrd_nothing_is_the_bundle_s(void **state)
{
    (void)state;
    board.initrd.size = 0;
    assert_int_equal(hv_ownership_build(&map, &of, why, sizeof(why)), ASH_OK);
    assert_int_equal(owner_of(BASE + 32U * MIB), HV_OWNER_FREE);
}

static void what_overlaps_is_named(void **state)
{
    (void)state;
    of.tree = BASE + 3U * MIB - 8U;
    assert_int_equal(hv_ownership_build(&map, &of, why, sizeof(why)), ASH_EEXIST);
    assert_string_equal(why,
                        "the device tree at 0x402ffff8, 0x1388 bytes: overlaps something else of hv's or the "
                        "firmware's");
    make(NULL);
    board.initrd.base = ash_pa(BASE + 40U * MIB);
    assert_int_equal(hv_ownership_build(&map, &of, why, sizeof(why)), ASH_EEXIST);
    assert_non_null(strstr(why, "the bundle (initrd) at 0x42800000, 0x300000 bytes: overlaps"));
    make(NULL);
    board.memory_count = 2;
    board.memory[1] = board.memory[0];
    assert_int_equal(hv_ownership_build(&map, &of, why, sizeof(why)), ASH_EEXIST);
    assert_non_null(strstr(why, "device tree: /memory region 0x40000000, 0x4000000 bytes: "));
}

static void what_is_malformed_or_too_much_is_named(void **state)
{
    (void)state;
    reserve(0, UINT64_MAX - 100U, 50, true);
    assert_int_equal(hv_ownership_build(&map, &of, why, sizeof(why)), ASH_EINVAL);
    assert_string_equal(why, "device tree: reserved memory 0xffffffffffffff9b, 0x32 bytes: ASH_EINVAL");
    make(NULL);
    for (unsigned i = 0; i < ASH_BOOT_BOARD_RESERVED_MAX; i++) {
        reserve(i, BASE + 8U * MIB + i * 0x3000U, 0x1000, false);
    }
    for (uint32_t i = 0; i + 40U < HV_RANGES_MAX; i++) {
        assert_int_equal(hv_ranges_add_ram(&map, 0x80000000U + i * 0x2000U, 0x1000), ASH_OK);
    }
    assert_int_equal(hv_ownership_build(&map, &of, why, sizeof(why)), ASH_ENOSPC);
    assert_non_null(strstr(why, "reserved memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_has_its_owner, make),
        cmocka_unit_test_setup(without_an_initrd_nothing_is_the_bundle_s, make),
        cmocka_unit_test_setup(what_overlaps_is_named, make),
        cmocka_unit_test_setup(what_is_malformed_or_too_much_is_named, make),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
