/* SPDX-License-Identifier: BSD-2-Clause */
/* A board before the first VM: can hv run on it, and who owns what? */
#include <string.h>

#include "core/board_check.h"
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

static void memory_beyond_hv_s_own_address_space_is_refused_in_words(void **state)
{
    static const struct {
        uint64_t base;
        uint64_t size;
        bool good;
    } cases[] = {
        {HV_MEMORY_END - MIB, MIB, true}, {HV_MEMORY_END - MIB, MIB + 4096U, false},
        {HV_MEMORY_END, MIB, false},      {UINT64_C(1) << 48, MIB, false}, /* whose bits below 48 are 0 */
        {UINT64_MAX - MIB, MIB, false},   {MIB, HV_MEMORY_END, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)make(state);
        board.memory[1] = (struct ash_boot_region){ash_pa(cases[i].base), cases[i].size};
        board.memory_count = 2;
        assert_int_equal(hv_ownership_build(&map, &of, why, sizeof(why)),
                         cases[i].good ? ASH_OK : ASH_ERANGE);
        if (!cases[i].good) {
            assert_non_null(strstr(why, "reaches too high; allowed: below 0x800000000000"));
        }
    }
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

/* ---- What hv asks of a board ------------------------------------------------------------------------------------- */

static void good_board(enum ash_boot_gic gic)
{
    memset(&board, 0, sizeof(board));
    board.cpu_count = 1;
    board.gic = gic;
    board.timer[ASH_BOOT_TIMER_VIRTUAL].intid = 27;
    board.timer[ASH_BOOT_TIMER_PHYSICAL].intid = 30;
    board.maintenance.intid = 25;
    board.gicc.size = 0x2000;
    board.gich.size = 0x1000;
    board.gicv.size = 0x2000;
}

static void assert_unfit(int code, const char *says)
{
    assert_int_equal(hv_board_check(&board, why, sizeof(why)), code);
    if (strstr(why, says) == NULL || strstr(why, "allowed: ") == NULL) {
        fail_msg("not \"%s\": %s", says, why);
    }
}

static void what_a_board_lacks_is_named_with_what_is_allowed(void **state)
{
    (void)state;
    good_board(ASH_BOOT_GIC_V3);
    assert_int_equal(hv_board_check(&board, why, sizeof(why)), ASH_OK);
    board.cpu_count = 0;
    assert_unfit(ASH_ENOENT, "no CPU");
    good_board(ASH_BOOT_GIC_NONE);
    assert_unfit(ASH_ENOENT, "no interrupt controller");
    good_board(ASH_BOOT_GIC_V3);
    board.timer[ASH_BOOT_TIMER_VIRTUAL].intid = 0;
    assert_unfit(ASH_ENOTSUP, "INTIDs are 0 (virtual) and 30 (physical)");
    good_board(ASH_BOOT_GIC_V3);
    board.timer[ASH_BOOT_TIMER_PHYSICAL].intid = 29;
    assert_unfit(ASH_ENOTSUP, "INTIDs are 27 (virtual) and 29 (physical)");
    good_board(ASH_BOOT_GIC_V3);
    board.maintenance.intid = 0;
    assert_unfit(ASH_ENOTSUP, "maintenance interrupt has INTID 0");
    board.maintenance.intid = 32;
    assert_unfit(ASH_ENOTSUP, "maintenance interrupt has INTID 32");
}

static void a_bcm2836_needs_its_timers_and_no_maintenance(void **state)
{
    (void)state;
    good_board(ASH_BOOT_GIC_BCM2836);
    board.maintenance.intid = 0;
    assert_int_equal(hv_board_check(&board, why, sizeof(why)), ASH_OK);
    board.timer[ASH_BOOT_TIMER_VIRTUAL].intid = 0;
    assert_unfit(ASH_ENOTSUP, "INTIDs are 0 (virtual) and 30 (physical)");
}

static void a_gicv2_that_cannot_give_interrupts_to_guests_is_named(void **state)
{
    (void)state;
    good_board(ASH_BOOT_GIC_V2);
    board.gicc.size = 0x100;
    assert_unfit(ASH_ENOTSUP, "GICC 0x100 bytes");
    good_board(ASH_BOOT_GIC_V2);
    board.gich.size = 0;
    assert_unfit(ASH_ENOTSUP, "GICH 0x0");
    good_board(ASH_BOOT_GIC_V2);
    board.gicv.size = 0x1000;
    assert_unfit(ASH_ENOTSUP, "GICV 0x1000");
    good_board(ASH_BOOT_GIC_V2);
    board.gicv.base = ash_pa(0x800);
    assert_unfit(ASH_ENOTSUP, "at 0x800");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_has_its_owner, make),
        cmocka_unit_test_setup(memory_beyond_hv_s_own_address_space_is_refused_in_words, make),
        cmocka_unit_test_setup(without_an_initrd_nothing_is_the_bundle_s, make),
        cmocka_unit_test_setup(what_overlaps_is_named, make),
        cmocka_unit_test_setup(what_is_malformed_or_too_much_is_named, make),
        cmocka_unit_test(what_a_board_lacks_is_named_with_what_is_allowed),
        cmocka_unit_test(a_bcm2836_needs_its_timers_and_no_maintenance),
        cmocka_unit_test(a_gicv2_that_cannot_give_interrupts_to_guests_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
