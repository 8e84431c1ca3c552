/* SPDX-License-Identifier: BSD-2-Clause */
/* The ownership map against an oracle that keeps one entry a page. */
#include <stdbool.h>
#include <string.h>

#include "core/ranges.h"
#include "testkit/cmocka.h"
#include "testkit/seed.h"

#define PAGE UINT64_C(4096)
#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)

/* ---- The oracle -------------------------------------------------------------------------------------------------- */

#define WORLD_BASE  (UINT64_C(0x80000000) - 512U * PAGE) /* a 2 MiB boundary inside, a 1 GiB boundary too */
#define WORLD_PAGES 2048U
#define NOT_RAM     (-1)

struct oracle {
    int page[WORLD_PAGES]; /* NOT_RAM, or owner + 16 * VM */
};

static int colour(enum hv_owner owner, uint32_t vm)
{
    return (int)owner + 16 * (int)vm;
}

static uint64_t address(uint32_t page)
{
    return WORLD_BASE + page * PAGE;
}

/** The map says of every page what the oracle says; it is sorted, and no two neighbours could be one. */
static void assert_same(const struct hv_ranges *map, const struct oracle *oracle)
{
    static int seen[WORLD_PAGES];
    uint64_t free_run = 0;
    uint64_t longest = 0;

    for (uint32_t i = 0; i < WORLD_PAGES; i++) {
        seen[i] = NOT_RAM;
    }
    assert_true(map->count <= HV_RANGES_MAX);
    for (uint32_t r = 0; r < map->count; r++) {
        const struct hv_range *range = &map->range[r];

        assert_true(range->size > 0U && range->size % PAGE == 0U && range->base % PAGE == 0U);
        assert_true(range->base >= WORLD_BASE && range->base + range->size <= address(WORLD_PAGES));
        if (r > 0U) {
            const struct hv_range *left = range - 1;
            assert_true(left->base + left->size <= range->base);
            assert_false(left->base + left->size == range->base && left->owner == range->owner &&
                         left->vm == range->vm);
        }
        for (uint64_t a = range->base; a < range->base + range->size; a += PAGE) {
            seen[(a - WORLD_BASE) / PAGE] = colour(range->owner, range->vm);
        }
    }
    assert_memory_equal(seen, oracle->page, sizeof(seen));
    for (uint32_t i = 0; i < WORLD_PAGES; i++) {
        free_run = oracle->page[i] == colour(HV_OWNER_FREE, 0) ? free_run + PAGE : 0U;
        longest = free_run > longest ? free_run : longest;
    }
    assert_int_equal(hv_ranges_largest_free(map), longest);
}

static int oracle_add(struct oracle *oracle, uint64_t base, uint64_t size)
{
    uint32_t first = (uint32_t)((base - WORLD_BASE + PAGE - 1U) / PAGE); /* inwards */
    uint32_t end = (uint32_t)((base + size - WORLD_BASE) / PAGE);

    for (uint32_t i = first; i < end; i++) {
        if (oracle->page[i] != NOT_RAM) {
            return ASH_EEXIST;
        }
    }
    for (uint32_t i = first; i < end; i++) {
        oracle->page[i] = colour(HV_OWNER_FREE, 0);
    }
    return ASH_OK;
}

static int oracle_claim(struct oracle *oracle, uint64_t base, uint64_t size, int to)
{
    uint32_t first = (uint32_t)((base - WORLD_BASE) / PAGE); /* outwards */
    uint32_t end = (uint32_t)((base + size - WORLD_BASE + PAGE - 1U) / PAGE);

    for (uint32_t i = first; i < end; i++) {
        if (oracle->page[i] != NOT_RAM && oracle->page[i] != colour(HV_OWNER_FREE, 0) &&
            oracle->page[i] != to) {
            return ASH_EEXIST;
        }
    }
    for (uint32_t i = first; i < end; i++) {
        oracle->page[i] = oracle->page[i] == NOT_RAM ? NOT_RAM : to;
    }
    return ASH_OK;
}

static bool oracle_is_free(const struct oracle *oracle, uint32_t first, uint32_t pages)
{
    for (uint32_t i = first; i < first + pages; i++) {
        if (oracle->page[i] != colour(HV_OWNER_FREE, 0)) {
            return false;
        }
    }
    return true;
}

/** Where an allocation goes: at the best alignment that there is room for, as high as it fits. */
static int oracle_alloc(const struct oracle *oracle, uint32_t pages, uint64_t *base)
{
    static const uint64_t alignments[] = {GIB, 2U * MIB, PAGE};

    for (unsigned a = 0; a < 3U; a++) {
        if (alignments[a] != PAGE && alignments[a] > pages * PAGE) {
            continue;
        }
        for (uint32_t first = WORLD_PAGES - pages + 1U; first-- > 0U;) {
            if (address(first) % alignments[a] == 0U && oracle_is_free(oracle, first, pages)) {
                *base = address(first);
                return ASH_OK;
            }
        }
    }
    return ASH_ENOMEM;
}

/* ---- The model test ---------------------------------------------------------------------------------------------- */

enum event { ADDED, ADD_REFUSED, CLAIMED, CLAIM_REFUSED, ALLOCATED, ALLOC_REFUSED, RELEASED, FULL, EVENTS };

struct world {
    struct hv_ranges map;
    struct oracle oracle;
    struct test_rng rng;
    bool in_crumbs; /* this round: a page or two at a time, and nobody gives back, so that the map fills */
    unsigned happened[EVENTS];
};

/** An unaligned part of the world, mostly short. */
static void pick(struct world *world, uint64_t *base, uint64_t *size)
{
    uint64_t room = WORLD_PAGES * PAGE;
    uint64_t most = test_rng_below(&world->rng, 8) == 0U ? room : 12U * PAGE;

    *base = test_rng_below(&world->rng, room - 1U);
    *size = 1U + test_rng_below(&world->rng, world->in_crumbs ? PAGE : most);
    if (test_rng_below(&world->rng, 2) == 0U) {
        *base -= *base % PAGE;
        *size += PAGE - *size % PAGE;
    }
    *size = *size < room - *base ? *size : room - *base;
    *base += WORLD_BASE;
}

static void count(struct world *world, int error, enum event done, enum event refused)
{
    world->happened[error == ASH_OK ? done : (error == ASH_ENOSPC ? FULL : refused)]++;
}

static void random_add(struct world *world)
{
    uint64_t base;
    uint64_t size;
    int error;

    pick(world, &base, &size);
    error = hv_ranges_add_ram(&world->map, base, size);
    if (error != ASH_ENOSPC) {
        assert_int_equal(error, oracle_add(&world->oracle, base, size));
    } else {
        assert_int_equal(world->map.count, HV_RANGES_MAX);
    }
    count(world, error, ADDED, ADD_REFUSED);
}

static void random_claim(struct world *world)
{
    enum hv_owner owner = (enum hv_owner)(1U + test_rng_below(&world->rng, HV_OWNER_VM));
    uint32_t vm = owner == HV_OWNER_VM ? (uint32_t)test_rng_below(&world->rng, 4) : 0U;
    uint64_t base;
    uint64_t size;
    int error;

    pick(world, &base, &size);
    error = hv_ranges_claim(&world->map, base, size, owner, vm);
    if (error != ASH_ENOSPC) {
        assert_int_equal(error, oracle_claim(&world->oracle, base, size, colour(owner, vm)));
    } else {
        assert_true(world->map.count + 2U > HV_RANGES_MAX);
    }
    count(world, error, CLAIMED, CLAIM_REFUSED);
}

static void random_alloc(struct world *world)
{
    uint32_t pages =
        1U + (uint32_t)test_rng_below(&world->rng, test_rng_below(&world->rng, 4) == 0U ? 1100 : 8);
    uint32_t vm = (uint32_t)test_rng_below(&world->rng, 4);
    uint64_t base = 1;
    uint64_t expected = 1;
    int error = hv_ranges_alloc(&world->map, pages * PAGE, HV_OWNER_VM, vm, &base);

    if (error == ASH_ENOSPC) {
        assert_true(world->map.count + 2U > HV_RANGES_MAX);
        assert_int_equal(base, 1);
    } else {
        assert_int_equal(error, oracle_alloc(&world->oracle, pages, &expected));
        assert_int_equal(base, expected);
    }
    if (error == ASH_OK) {
        assert_int_equal(oracle_claim(&world->oracle, base, pages * PAGE, colour(HV_OWNER_VM, vm)), ASH_OK);
    }
    count(world, error, ALLOCATED, ALLOC_REFUSED);
}

static void random_release(struct world *world)
{
    uint32_t vm = (uint32_t)test_rng_below(&world->rng, 5); /* one that has nothing too */

    hv_ranges_release_vm(&world->map, vm);
    for (uint32_t i = 0; i < WORLD_PAGES; i++) {
        if (world->oracle.page[i] == colour(HV_OWNER_VM, vm)) {
            world->oracle.page[i] = colour(HV_OWNER_FREE, 0);
        }
    }
    world->happened[RELEASED]++;
}

static void random_step(struct world *world)
{
    switch (test_rng_below(&world->rng, 12) + (world->in_crumbs ? 1U : 0U)) {
    case 0:
        random_release(world);
        break;
    case 1:
    case 2:
    case 3:
        random_add(world);
        break;
    case 4:
    case 5:
    case 6:
        random_alloc(world);
        break;
    default:
        random_claim(world);
        break;
    }
}

static void random_operations_agree_with_a_map_of_pages(void **state)
{
    static const char *const names[EVENTS] = {"added",     "add refused",   "claimed",  "claim refused",
                                              "allocated", "alloc refused", "released", "map full"};
    static struct world world;

    (void)state;
    test_rng_init(&world.rng, "ranges");
    for (unsigned round = 0; round < 150U; round++) {
        memset(&world.map, 0, sizeof(world.map));
        world.in_crumbs = round % 5U == 0U;
        for (uint32_t i = 0; i < WORLD_PAGES; i++) {
            world.oracle.page[i] = NOT_RAM;
        }
        if (world.in_crumbs) {
            assert_int_equal(hv_ranges_add_ram(&world.map, WORLD_BASE, WORLD_PAGES * PAGE), ASH_OK);
            assert_int_equal(oracle_add(&world.oracle, WORLD_BASE, WORLD_PAGES * PAGE), ASH_OK);
        }
        for (unsigned step = 0; step < 300U; step++) {
            random_step(&world);
            assert_same(&world.map, &world.oracle);
        }
    }
    for (unsigned i = 0; i < EVENTS; i++) {
        print_message("%s: %u times\n", names[i], world.happened[i]);
        assert_true(world.happened[i] > 0U);
    }
}

/* ---- Edges ------------------------------------------------------------------------------------------------------- */

static void a_range_that_wraps_is_refused(void **state)
{
    struct hv_ranges map = {.count = 0};
    struct hv_ranges before;
    uint64_t base = 7;

    (void)state;
    assert_int_equal(hv_ranges_add_ram(&map, 0, 64U * PAGE), ASH_OK);
    before = map;
    assert_int_equal(hv_ranges_add_ram(&map, UINT64_MAX, 2), ASH_EINVAL);
    assert_int_equal(hv_ranges_add_ram(&map, UINT64_MAX - 2U, 1), ASH_EINVAL); /* rounding it would */
    assert_int_equal(hv_ranges_add_ram(&map, PAGE, UINT64_MAX), ASH_EINVAL);
    assert_int_equal(hv_ranges_claim(&map, UINT64_MAX, 2, HV_OWNER_HV, 0), ASH_EINVAL);
    assert_int_equal(hv_ranges_claim(&map, UINT64_MAX - 2U, 1, HV_OWNER_HV, 0), ASH_EINVAL);
    assert_int_equal(hv_ranges_claim(&map, 1, UINT64_MAX, HV_OWNER_HV, 0), ASH_EINVAL);
    assert_int_equal(hv_ranges_claim(&map, PAGE, 0, HV_OWNER_HV, 0), ASH_EINVAL);
    assert_int_equal(hv_ranges_alloc(&map, 0, HV_OWNER_HV, 0, &base), ASH_EINVAL);
    assert_int_equal(hv_ranges_alloc(&map, PAGE + 1U, HV_OWNER_HV, 0, &base), ASH_EINVAL);
    assert_int_equal(hv_ranges_alloc(&map, ~(PAGE - 1U), HV_OWNER_HV, 0, &base), ASH_ENOMEM);
    assert_int_equal(base, 7);
    assert_memory_equal(&map, &before, sizeof(map));
}

static void ram_at_address_0_is_ram(void **state)
{
    struct hv_ranges map = {.count = 0};
    uint64_t base = 7;

    (void)state;
    assert_int_equal(hv_ranges_add_ram(&map, 0, 3U * PAGE), ASH_OK);
    assert_int_equal(hv_ranges_alloc(&map, 3U * PAGE, HV_OWNER_VM, 2, &base), ASH_OK);
    assert_int_equal(base, 0);
    assert_int_equal(map.count, 1);
}

static void ram_of_less_than_a_page_is_none(void **state)
{
    struct hv_ranges map = {.count = 0};

    (void)state;
    assert_int_equal(hv_ranges_add_ram(&map, PAGE + 1U, 2U * PAGE - 2U), ASH_OK);
    assert_int_equal(map.count, 0);
    assert_int_equal(hv_ranges_add_ram(&map, PAGE + 1U, 2U * PAGE - 1U), ASH_OK);
    assert_int_equal(map.count, 1);
    assert_int_equal(map.range[0].base, 2U * PAGE);
    assert_int_equal(map.range[0].size, PAGE);
}

static void a_claim_leaves_alone_what_is_not_ram(void **state)
{
    struct hv_ranges map = {.count = 0};

    (void)state;
    assert_int_equal(hv_ranges_add_ram(&map, GIB, 4U * PAGE), ASH_OK);
    assert_int_equal(hv_ranges_add_ram(&map, 2U * GIB, 4U * PAGE), ASH_OK);
    assert_int_equal(hv_ranges_claim(&map, 0, GIB, HV_OWNER_FIRMWARE, 0), ASH_OK); /* ends where RAM begins */
    assert_int_equal(map.count, 2);
    assert_int_equal(hv_ranges_claim(&map, GIB + 3U * PAGE, GIB, HV_OWNER_NO_MAP, 0), ASH_OK);
    assert_int_equal(map.count, 4);
    assert_int_equal(map.range[1].size, PAGE);
    assert_int_equal(map.range[1].owner, HV_OWNER_NO_MAP);
    assert_int_equal(map.range[2].base, 2U * GIB);
    assert_int_equal(map.range[2].size, 3U * PAGE);
    assert_int_equal(map.range[2].owner, HV_OWNER_NO_MAP);
}

/** Every second page claimed until no more goes. */
static void fill(struct hv_ranges *map)
{
    uint64_t page = 1;

    memset(map, 0, sizeof(*map));
    assert_int_equal(hv_ranges_add_ram(map, 0, GIB), ASH_OK);
    while (hv_ranges_claim(map, page * PAGE, 1, HV_OWNER_HV, 0) == ASH_OK) {
        page += 2U;
        assert_true(page < 2U * HV_RANGES_MAX);
    }
    assert_in_range(map->count, HV_RANGES_MAX - 1U, HV_RANGES_MAX);
}

static void a_full_map_says_so_and_stays_as_it_was(void **state)
{
    struct hv_ranges map;
    struct hv_ranges before;
    uint64_t base = 7;

    (void)state;
    fill(&map);
    before = map;
    assert_int_equal(hv_ranges_claim(&map, GIB / 2U, PAGE, HV_OWNER_VM, 3), ASH_ENOSPC);
    assert_int_equal(hv_ranges_alloc(&map, PAGE, HV_OWNER_VM, 3, &base), ASH_ENOSPC);
    assert_int_equal(base, 7);
    assert_int_equal(hv_ranges_claim(&map, PAGE, PAGE, HV_OWNER_VM, 3), ASH_EEXIST);
    assert_memory_equal(&map, &before, sizeof(map));
}

static void the_last_entry_can_be_used(void **state)
{
    struct hv_ranges map = {.count = 0};

    (void)state;
    for (uint32_t i = 0; i < HV_RANGES_MAX; i++) {
        assert_int_equal(hv_ranges_add_ram(&map, (2U * i + 1U) * PAGE, PAGE), ASH_OK);
    }
    assert_int_equal(map.count, HV_RANGES_MAX);
    assert_int_equal(hv_ranges_add_ram(&map, 4U * HV_RANGES_MAX * PAGE, PAGE), ASH_ENOSPC);
    assert_int_equal(map.count, HV_RANGES_MAX);
}

static void memory_is_given_at_the_best_alignment_from_the_top(void **state)
{
    struct hv_ranges map = {.count = 0};
    uint64_t base;

    (void)state;
    assert_int_equal(hv_ranges_add_ram(&map, GIB, 3U * GIB + 5U * PAGE), ASH_OK);
    assert_int_equal(hv_ranges_alloc(&map, GIB, HV_OWNER_VM, 0, &base), ASH_OK);
    assert_int_equal(base, 3U * GIB);
    assert_int_equal(hv_ranges_alloc(&map, 2U * MIB, HV_OWNER_VM, 1, &base), ASH_OK);
    assert_int_equal(base, 3U * GIB - 2U * MIB);
    assert_int_equal(hv_ranges_alloc(&map, PAGE, HV_OWNER_VM, 2, &base), ASH_OK);
    assert_int_equal(base, 4U * GIB + 4U * PAGE);
    /* Below 3 GiB only one whole GiB is left that is aligned to one. */
    assert_int_equal(hv_ranges_alloc(&map, GIB + 2U * MIB, HV_OWNER_VM, 3, &base), ASH_OK);
    assert_int_equal(base, GIB);
}

static void memory_without_the_best_alignment_is_better_than_none(void **state)
{
    struct hv_ranges map = {.count = 0};
    uint64_t base;

    (void)state;
    assert_int_equal(hv_ranges_add_ram(&map, GIB + PAGE, GIB + 4U * MIB - 2U * PAGE), ASH_OK);
    assert_int_equal(hv_ranges_alloc(&map, GIB, HV_OWNER_VM, 0, &base), ASH_OK);
    assert_int_equal(base, GIB + 2U * MIB);
    hv_ranges_release_vm(&map, 0);
    assert_int_equal(hv_ranges_alloc(&map, GIB + 4U * MIB - 2U * PAGE, HV_OWNER_VM, 0, &base), ASH_OK);
    assert_int_equal(base, GIB + PAGE);
    assert_int_equal(hv_ranges_alloc(&map, PAGE, HV_OWNER_VM, 0, &base), ASH_ENOMEM);
}

static void a_vm_gives_back_its_own_and_nothing_else(void **state)
{
    struct hv_ranges map = {.count = 0};

    (void)state;
    assert_int_equal(hv_ranges_add_ram(&map, 0, 16U * PAGE), ASH_OK);
    assert_int_equal(hv_ranges_claim(&map, 2U * PAGE, PAGE, HV_OWNER_VM, 0), ASH_OK);
    assert_int_equal(hv_ranges_claim(&map, 3U * PAGE, PAGE, HV_OWNER_VM, 1), ASH_OK);
    assert_int_equal(hv_ranges_claim(&map, 4U * PAGE, PAGE, HV_OWNER_HV, 0), ASH_OK);
    assert_int_equal(hv_ranges_claim(&map, 8U * PAGE, PAGE, HV_OWNER_VM, 0), ASH_OK);
    hv_ranges_release_vm(&map, 0);
    assert_int_equal(map.count, 4);
    assert_int_equal(map.range[1].owner, HV_OWNER_VM);
    assert_int_equal(map.range[1].vm, 1);
    assert_int_equal(map.range[2].owner, HV_OWNER_HV);
    hv_ranges_release_vm(&map, 1);
    assert_int_equal(map.count, 3);
}

static void claiming_the_rest_leaves_owners_alone_and_nothing_free(void **state)
{
    static struct hv_ranges map;

    (void)state;
    memset(&map, 0, sizeof(map));
    assert_int_equal(hv_ranges_add_ram(&map, 16U * PAGE, 16U * PAGE), ASH_OK);
    assert_int_equal(hv_ranges_add_ram(&map, 64U * PAGE, 16U * PAGE), ASH_OK);
    assert_int_equal(hv_ranges_claim(&map, 20U * PAGE, 2U * PAGE, HV_OWNER_BUNDLE, 0), ASH_OK);
    assert_int_equal(hv_ranges_claim(&map, 24U * PAGE, PAGE, HV_OWNER_NO_MAP, 0), ASH_OK);
    assert_int_equal(hv_ranges_claim_rest(&map, 18U * PAGE + 1U, 50U * PAGE, HV_OWNER_FIRMWARE, 0), ASH_OK);

    const struct hv_range expected[] = {
        {16U * PAGE, 2U * PAGE, HV_OWNER_FREE, 0},     {18U * PAGE, 2U * PAGE, HV_OWNER_FIRMWARE, 0},
        {20U * PAGE, 2U * PAGE, HV_OWNER_BUNDLE, 0},   {22U * PAGE, 2U * PAGE, HV_OWNER_FIRMWARE, 0},
        {24U * PAGE, PAGE, HV_OWNER_NO_MAP, 0},        {25U * PAGE, 7U * PAGE, HV_OWNER_FIRMWARE, 0},
        {64U * PAGE, 5U * PAGE, HV_OWNER_FIRMWARE, 0}, {69U * PAGE, 11U * PAGE, HV_OWNER_FREE, 0},
    };
    assert_int_equal(map.count, ASH_ARRAY_SIZE(expected));
    for (uint32_t i = 0; i < map.count; i++) {
        assert_int_equal(map.range[i].base, expected[i].base);
        assert_int_equal(map.range[i].size, expected[i].size);
        assert_int_equal(map.range[i].owner, expected[i].owner);
    }
    /* Again, and where no RAM is: nothing to do. */
    assert_int_equal(hv_ranges_claim_rest(&map, 18U * PAGE, 14U * PAGE, HV_OWNER_FIRMWARE, 0), ASH_OK);
    assert_int_equal(hv_ranges_claim_rest(&map, 40U * PAGE, 4U * PAGE, HV_OWNER_FIRMWARE, 0), ASH_OK);
    assert_int_equal(map.count, ASH_ARRAY_SIZE(expected));
    assert_int_equal(hv_ranges_claim_rest(&map, 18U * PAGE, 0, HV_OWNER_FIRMWARE, 0), ASH_EINVAL);
    assert_int_equal(hv_ranges_claim_rest(&map, UINT64_MAX - PAGE, PAGE, HV_OWNER_FIRMWARE, 0), ASH_EINVAL);
}

static void a_full_map_does_not_swallow_a_reservation(void **state)
{
    static struct hv_ranges map;

    (void)state;
    memset(&map, 0, sizeof(map));
    for (uint32_t i = 0; i < HV_RANGES_MAX; i++) {
        assert_int_equal(hv_ranges_add_ram(&map, (uint64_t)i * 4U * PAGE, 2U * PAGE), ASH_OK);
    }
    assert_int_equal(hv_ranges_claim_rest(&map, 0, PAGE, HV_OWNER_FIRMWARE, 0), ASH_ENOSPC);
}

static void every_owner_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= HV_OWNER_NOT_RAM; i++) {
        assert_true(strlen(hv_owner_name((enum hv_owner)i)) > 1U);
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(hv_owner_name((enum hv_owner)i), hv_owner_name((enum hv_owner)j));
        }
    }
    assert_string_equal(hv_owner_name((enum hv_owner)(HV_OWNER_NOT_RAM + 1)), "?");
}

/* ---- Pieces ------------------------------------------------------------------------------------------------------ */

#define BLOCK UINT64_C(0x200000)

/** RAM at these bases and sizes, in blocks of 2 MiB. */
static void make_blocks(struct hv_ranges *map, const uint64_t (*blocks)[2], unsigned count)
{
    memset(map, 0, sizeof(*map));
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(hv_ranges_add_ram(map, blocks[i][0] * BLOCK, blocks[i][1] * BLOCK), ASH_OK);
    }
}

static void one_piece_is_taken_where_one_is_large_enough(void **state)
{
    static const uint64_t blocks[][2] = {{512, 100}, {1024, 7}, {2048, 1024}};
    static struct hv_ranges map;
    struct hv_piece piece[4];

    (void)state;
    make_blocks(&map, blocks, 3);
    assert_int_equal(hv_ranges_alloc_pieces(&map, 7U * BLOCK, HV_OWNER_VM, 3, piece, 4), 1);
    assert_int_equal(piece[0].base, (2048U + 1024U - 7U) * BLOCK);
    assert_int_equal(hv_ranges_alloc_pieces(&map, GIB, HV_OWNER_VM, 3, piece, 4), 1);
    assert_int_equal(piece[0].base, 4U * GIB); /* at a multiple of 1 GiB, where one is whole */
    assert_int_equal(hv_ranges_free(&map), (100U + 7U + 512U - 7U) * BLOCK);
}

static void pieces_are_whole_gib_first_and_then_the_largest(void **state)
{
    static const uint64_t blocks[][2] = {{512, 100}, {700, 30}, {2048 - 3, 1024 + 5}};
    static struct hv_ranges map;
    struct hv_piece piece[4];
    struct hv_range part;

    (void)state;
    make_blocks(&map, blocks, 3);
    assert_int_equal(hv_ranges_alloc_pieces(&map, (1024U + 110U) * BLOCK, HV_OWNER_VM, 0, piece, 4), 3);
    assert_int_equal(piece[0].base, 4U * GIB);
    assert_int_equal(piece[0].size, 2U * GIB);
    assert_int_equal(piece[1].base, 512U * BLOCK);
    assert_int_equal(piece[1].size, 100U * BLOCK);
    assert_int_equal(piece[2].base, 720U * BLOCK);
    assert_int_equal(piece[2].size, 10U * BLOCK);
    assert_true(hv_ranges_first_taken(&map, 700U * BLOCK, 30U * BLOCK, &part));
    assert_int_equal(part.base, 720U * BLOCK);
    assert_int_equal(part.owner, HV_OWNER_VM);
}

static void a_range_that_is_not_aligned_gives_its_whole_blocks(void **state)
{
    static struct hv_ranges map;
    struct hv_piece piece[2];

    (void)state;
    memset(&map, 0, sizeof(map));
    assert_int_equal(hv_ranges_add_ram(&map, 10U * BLOCK + PAGE, 3U * BLOCK), ASH_OK);
    assert_int_equal(hv_ranges_alloc_pieces(&map, 3U * BLOCK, HV_OWNER_VM, 0, piece, 2), ASH_ENOMEM);
    assert_int_equal(hv_ranges_alloc_pieces(&map, 2U * BLOCK, HV_OWNER_VM, 0, piece, 2), 1);
    assert_int_equal(piece[0].base, 11U * BLOCK);
}

static void pieces_that_cannot_be_had_change_nothing(void **state)
{
    static const uint64_t blocks[][2] = {{0, 1}, {2, 1}, {4, 1}, {6, 1}};
    static struct hv_ranges map;
    static struct hv_ranges before;
    struct hv_piece piece[4];

    (void)state;
    make_blocks(&map, blocks, 4);
    before = map;
    assert_int_equal(hv_ranges_alloc_pieces(&map, 5U * BLOCK, HV_OWNER_VM, 0, piece, 4), ASH_ENOMEM);
    assert_memory_equal(&map, &before, sizeof(map));
    assert_int_equal(hv_ranges_alloc_pieces(&map, 4U * BLOCK, HV_OWNER_VM, 0, piece, 3), ASH_ENOMEM);
    assert_memory_equal(&map, &before, sizeof(map));
    assert_int_equal(hv_ranges_alloc_pieces(&map, 0, HV_OWNER_VM, 0, piece, 4), ASH_EINVAL);
    assert_int_equal(hv_ranges_alloc_pieces(&map, BLOCK + PAGE, HV_OWNER_VM, 0, piece, 4), ASH_EINVAL);
    assert_int_equal(hv_ranges_alloc_pieces(&map, BLOCK, HV_OWNER_VM, 0, piece, 0), ASH_EINVAL);
    assert_memory_equal(&map, &before, sizeof(map));
    assert_int_equal(hv_ranges_alloc_pieces(&map, 4U * BLOCK, HV_OWNER_VM, 0, piece, 4), 4);
    assert_int_equal(hv_ranges_free(&map), 0);
}

static void random_pieces_are_free_aligned_and_add_up(void **state)
{
    static struct hv_ranges map;
    struct test_rng rng;

    (void)state;
    test_rng_init(&rng, "pieces");
    for (unsigned round = 0; round < 3000U; round++) {
        static struct hv_ranges before;
        struct hv_piece piece[6];
        uint64_t size = (1U + test_rng_below(&rng, 3000)) * BLOCK;
        uint64_t sum = 0;
        int count;

        memset(&map, 0, sizeof(map));
        for (unsigned i = 0; i < 12U; i++) {
            ASH_DISCARD(hv_ranges_add_ram(&map,
                                          test_rng_below(&rng, 8192) * BLOCK + test_rng_below(&rng, 3) * PAGE,
                                          test_rng_below(&rng, 1200) * BLOCK));
        }
        before = map;
        count = hv_ranges_alloc_pieces(&map, size, HV_OWNER_VM, 1, piece, 6);
        for (int i = 0; i < count; i++) {
            struct hv_range part;

            assert_false(hv_ranges_first_taken(&before, piece[i].base, piece[i].size, &part));
            assert_true(hv_ranges_first_taken(&map, piece[i].base, piece[i].size, &part));
            assert_int_equal(part.size, piece[i].size);
            assert_int_equal((piece[i].base | piece[i].size) % BLOCK, 0);
            sum += piece[i].size;
        }
        assert_int_equal(sum, count > 0 ? size : 0U);
        assert_int_equal(hv_ranges_free(&before) - hv_ranges_free(&map), sum);
    }
}

static void the_first_part_that_is_taken_is_named(void **state)
{
    static const uint64_t blocks[][2] = {{1, 4}, {8, 4}};
    static struct hv_ranges map;
    struct hv_range part;

    (void)state;
    make_blocks(&map, blocks, 2);
    assert_int_equal(hv_ranges_claim(&map, 10U * BLOCK, BLOCK, HV_OWNER_BUNDLE, 0), ASH_OK);
    assert_false(hv_ranges_first_taken(&map, BLOCK, 4U * BLOCK, &part));
    assert_true(hv_ranges_first_taken(&map, 0, 2U * BLOCK, &part));
    assert_int_equal(part.base, 0);
    assert_int_equal(part.size, BLOCK);
    assert_int_equal(part.owner, HV_OWNER_NOT_RAM);
    assert_true(hv_ranges_first_taken(&map, 4U * BLOCK, 9U * BLOCK, &part));
    assert_int_equal(part.base, 5U * BLOCK);
    assert_int_equal(part.size, 3U * BLOCK);
    assert_int_equal(part.owner, HV_OWNER_NOT_RAM);
    assert_true(hv_ranges_first_taken(&map, 8U * BLOCK, 4U * BLOCK, &part));
    assert_int_equal(part.base, 10U * BLOCK);
    assert_int_equal(part.size, BLOCK);
    assert_int_equal(part.owner, HV_OWNER_BUNDLE);
    assert_true(hv_ranges_first_taken(&map, 10U * BLOCK + PAGE, PAGE, &part));
    assert_int_equal(part.base, 10U * BLOCK + PAGE);
    assert_int_equal(part.size, PAGE);
    assert_true(hv_ranges_first_taken(&map, 11U * BLOCK, 2U * BLOCK, &part));
    assert_int_equal(part.base, 12U * BLOCK);
    assert_int_equal(part.size, BLOCK);
    assert_true(hv_ranges_first_taken(&map, UINT64_MAX - PAGE, 2U * PAGE, &part));
    assert_int_equal(part.owner, HV_OWNER_NOT_RAM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_piece_is_taken_where_one_is_large_enough),
        cmocka_unit_test(pieces_are_whole_gib_first_and_then_the_largest),
        cmocka_unit_test(a_range_that_is_not_aligned_gives_its_whole_blocks),
        cmocka_unit_test(pieces_that_cannot_be_had_change_nothing),
        cmocka_unit_test(random_pieces_are_free_aligned_and_add_up),
        cmocka_unit_test(the_first_part_that_is_taken_is_named),
        cmocka_unit_test(random_operations_agree_with_a_map_of_pages),
        cmocka_unit_test(a_range_that_wraps_is_refused),
        cmocka_unit_test(ram_at_address_0_is_ram),
        cmocka_unit_test(ram_of_less_than_a_page_is_none),
        cmocka_unit_test(a_claim_leaves_alone_what_is_not_ram),
        cmocka_unit_test(a_full_map_says_so_and_stays_as_it_was),
        cmocka_unit_test(the_last_entry_can_be_used),
        cmocka_unit_test(memory_is_given_at_the_best_alignment_from_the_top),
        cmocka_unit_test(memory_without_the_best_alignment_is_better_than_none),
        cmocka_unit_test(a_vm_gives_back_its_own_and_nothing_else),
        cmocka_unit_test(claiming_the_rest_leaves_owners_alone_and_nothing_free),
        cmocka_unit_test(a_full_map_does_not_swallow_a_reservation),
        cmocka_unit_test(every_owner_has_a_word_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
