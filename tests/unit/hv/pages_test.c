/* SPDX-License-Identifier: BSD-2-Clause */
/* The page pool: what it gives is aligned, whole, nobody else's; what it gets back it can give again. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/pages.h"
#include "testkit/cmocka.h"
#include "testkit/seed.h"
#include "unit_arch.h"

#define POOL_PAGES 192U
#define POOL_ALIGN ((size_t)64 * HV_PAGE_SIZE)

struct rig {
    struct hv_pages pool;
    uint8_t *memory;
};

static int make(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    rig->memory = aligned_alloc(POOL_ALIGN, (size_t)POOL_PAGES * HV_PAGE_SIZE);
    assert_non_null(rig->memory);
    assert_int_equal(hv_pages_init(&rig->pool, (uint64_t)(uintptr_t)rig->memory, POOL_PAGES), ASH_OK);
    *state = rig;
    return 0;
}

static int unmake(void **state)
{
    struct rig *rig = (struct rig *)*state;

    free(rig->memory);
    free(rig);
    return 0;
}

static void *take(struct rig *rig, unsigned pages)
{
    const struct hv_page_request request = {.pages = pages};

    return hv_pages_alloc(&rig->pool, &request);
}

static void a_pool_of_the_wrong_form_is_refused(void **state)
{
    struct hv_pages pool;

    (void)state;
    assert_int_equal(hv_pages_init(&pool, HV_PAGE_SIZE, 64), ASH_EINVAL);
    assert_int_equal(hv_pages_init(&pool, POOL_ALIGN / 2U, 64), ASH_EINVAL);
    assert_int_equal(hv_pages_init(&pool, POOL_ALIGN, 0), ASH_EINVAL);
    assert_int_equal(hv_pages_init(&pool, POOL_ALIGN, 63), ASH_EINVAL);
    assert_int_equal(hv_pages_init(&pool, POOL_ALIGN, 96), ASH_EINVAL);
    assert_int_equal(hv_pages_init(&pool, POOL_ALIGN, HV_PAGES_MAX + 64U), ASH_EINVAL);
    assert_int_equal(hv_pages_init(&pool, POOL_ALIGN, HV_PAGES_MAX), ASH_OK);
    assert_int_equal(pool.total, HV_PAGES_MAX);
    assert_int_equal(pool.used, 0);
}

static void the_last_page_of_the_largest_pool_is_given(void **state)
{
    struct hv_pages pool;
    const struct hv_page_request word = {.pages = 64};

    (void)state;
    assert_int_equal(hv_pages_init(&pool, POOL_ALIGN, HV_PAGES_MAX), ASH_OK);
    for (unsigned i = 0; i < HV_PAGES_WORDS; i++) {
        assert_ptr_equal(hv_pages_alloc(&pool, &word), (void *)(POOL_ALIGN * (i + 1U))); /* never touched */
    }
    assert_null(hv_pages_alloc(&pool, &word));
}

static void pages_are_aligned_to_their_number_and_inside_the_pool(void **state)
{
    struct rig *rig = (struct rig *)*state;

    for (unsigned pages = 1; pages <= 64U; pages *= 2U) {
        void *odd = take(rig, 1); /* so that nothing is aligned by itself */
        uint8_t *given = (uint8_t *)take(rig, pages);

        assert_non_null(odd);
        assert_non_null(given);
        assert_int_equal((uintptr_t)given % ((size_t)pages * HV_PAGE_SIZE), 0);
        assert_true(given >= rig->memory);
        assert_true(given + (size_t)pages * HV_PAGE_SIZE <= rig->memory + (size_t)POOL_PAGES * HV_PAGE_SIZE);
        memset(given, 0xAA, (size_t)pages * HV_PAGE_SIZE); /* AddressSanitizer watches */
    }
    assert_int_equal(rig->pool.used, 7U + 127U);
}

static void odd_requests_get_nothing(void **state)
{
    struct rig *rig = (struct rig *)*state;
    static const unsigned odd[] = {0, 3, 5, 6, 7, 12, 63, 65, 96, 128, 256, 0x80000000U, 0xFFFFFFFFU};

    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        assert_null(take(rig, odd[i]));
    }
    assert_int_equal(rig->pool.used, 0);
}

static void the_pool_gives_each_page_once_and_then_says_no(void **state)
{
    struct rig *rig = (struct rig *)*state;
    bool given[POOL_PAGES] = {false};

    for (unsigned i = 0; i < POOL_PAGES; i++) {
        uint8_t *page = (uint8_t *)take(rig, 1);
        size_t index = (size_t)(page - rig->memory) / HV_PAGE_SIZE;

        assert_non_null(page);
        assert_true(index < POOL_PAGES);
        assert_false(given[index]);
        given[index] = true;
    }
    assert_null(take(rig, 1));
    assert_null(hv_pages_alloc_zeroed(&rig->pool, 1));
    assert_int_equal(rig->pool.used, POOL_PAGES);
    hv_pages_free(&rig->pool, rig->memory + 77U * HV_PAGE_SIZE, 1);
    assert_ptr_equal(take(rig, 1), rig->memory + 77U * HV_PAGE_SIZE);
    assert_null(take(rig, 1));
}

static void what_is_not_contiguous_is_not_enough(void **state)
{
    struct rig *rig = (struct rig *)*state;

    for (unsigned i = 0; i < POOL_PAGES; i++) {
        assert_non_null(take(rig, 1));
    }
    for (unsigned i = 0; i < POOL_PAGES; i += 2U) {
        hv_pages_free(&rig->pool, rig->memory + (size_t)i * HV_PAGE_SIZE, 1);
    }
    assert_int_equal(rig->pool.used, POOL_PAGES / 2U);
    assert_null(take(rig, 2));
    hv_pages_free(&rig->pool, rig->memory + 5U * HV_PAGE_SIZE, 1); /* 4, 5 and 6 are free now */
    assert_ptr_equal(take(rig, 2), rig->memory + 4U * HV_PAGE_SIZE);
}

static void zeroed_pages_are_zero_and_no_more_than_they(void **state)
{
    struct rig *rig = (struct rig *)*state;
    uint8_t *pages;

    memset(rig->memory, 0x5A, (size_t)POOL_PAGES * HV_PAGE_SIZE);
    assert_non_null(take(rig, 1));
    pages = (uint8_t *)hv_pages_alloc_zeroed(&rig->pool, 2);
    assert_non_null(pages);
    for (size_t i = 0; i < 2U * HV_PAGE_SIZE; i++) {
        assert_int_equal(pages[i], 0);
    }
    assert_int_equal(pages[-1], 0x5A);
    assert_int_equal(pages[2U * HV_PAGE_SIZE], 0x5A);
}

static void what_is_not_the_pools_is_not_taken_back(void **state)
{
    struct rig *rig = (struct rig *)*state;
    struct hv_pages before;

    assert_non_null(take(rig, 64));
    before = rig->pool;
    hv_pages_free(&rig->pool, NULL, 1);
    hv_pages_free(&rig->pool, rig->memory - HV_PAGE_SIZE, 1);
    hv_pages_free(&rig->pool, rig->memory + (size_t)POOL_PAGES * HV_PAGE_SIZE, 1);
    hv_pages_free(&rig->pool, rig->memory + (size_t)(POOL_PAGES - 1U) * HV_PAGE_SIZE, 2);
    hv_pages_free(&rig->pool, (void *)(uintptr_t)(UINTPTR_MAX - HV_PAGE_SIZE), 1);
    assert_memory_equal(&rig->pool.taken, &before.taken, sizeof(before.taken));
    assert_int_equal(rig->pool.used, 64);
}

static void sizes_are_rounded_up_to_a_power_of_two(void **state)
{
    (void)state;
    assert_int_equal(hv_pages_for(0), 1);
    assert_int_equal(hv_pages_for(1), 1);
    assert_int_equal(hv_pages_for(HV_PAGE_SIZE), 1);
    assert_int_equal(hv_pages_for(HV_PAGE_SIZE + 1U), 2);
    assert_int_equal(hv_pages_for(2U * HV_PAGE_SIZE), 2);
    assert_int_equal(hv_pages_for(2U * HV_PAGE_SIZE + 1U), 4);
    assert_int_equal(hv_pages_for(64U * HV_PAGE_SIZE), 64);
    assert_int_equal(hv_pages_for(64U * HV_PAGE_SIZE + 1U), 128);
}

/* ---- Random use against an oracle of one byte a page ------------------------------------------------------------- */

struct block {
    uint8_t *first;
    unsigned pages;
    uint8_t stamp;
};

struct use {
    struct rig *rig;
    struct block block[POOL_PAGES];
    unsigned blocks;
    unsigned held; /* pages */
    uint8_t owner[POOL_PAGES];
    unsigned refused;
};

/** Is there an aligned run of @pages free ones? */
static bool fits(const struct use *use, unsigned pages)
{
    for (unsigned at = 0; at + pages <= POOL_PAGES; at += pages) {
        unsigned taken = 0;
        for (unsigned i = at; i < at + pages; i++) {
            taken += use->owner[i] != 0U ? 1U : 0U;
        }
        if (taken == 0U) {
            return true;
        }
    }
    return false;
}

static void random_take(struct use *use, unsigned pages, uint8_t stamp)
{
    uint8_t *first = (uint8_t *)take(use->rig, pages);

    if (first == NULL) {
        assert_false(fits(use, pages));
        use->refused++;
        return;
    }
    for (unsigned i = 0; i < pages; i++) {
        size_t index = (size_t)(first - use->rig->memory) / HV_PAGE_SIZE + i;
        assert_true(index < POOL_PAGES);
        assert_int_equal(use->owner[index], 0);
        use->owner[index] = stamp;
        first[(size_t)i * HV_PAGE_SIZE] = stamp;
    }
    use->block[use->blocks++] = (struct block){first, pages, stamp};
    use->held += pages;
}

static void random_give_back(struct use *use, unsigned which)
{
    struct block block = use->block[which];

    for (unsigned i = 0; i < block.pages; i++) {
        assert_int_equal(block.first[(size_t)i * HV_PAGE_SIZE], block.stamp);
        use->owner[(size_t)(block.first - use->rig->memory) / HV_PAGE_SIZE + i] = 0;
    }
    hv_pages_free(&use->rig->pool, block.first, block.pages);
    use->block[which] = use->block[--use->blocks];
    use->held -= block.pages;
}

static void random_use_never_gives_a_page_twice(void **state)
{
    struct use use = {.rig = (struct rig *)*state};
    struct test_rng rng;

    test_rng_init(&rng, "pages");
    for (unsigned step = 0; step < 20000U; step++) {
        if (use.blocks == 0U || test_rng_below(&rng, 100) < 52U) {
            random_take(&use, 1U << test_rng_below(&rng, 7), (uint8_t)(1U + step % 255U));
        } else {
            random_give_back(&use, (unsigned)test_rng_below(&rng, use.blocks));
        }
        assert_int_equal(use.rig->pool.used, use.held);
    }
    assert_true(use.refused > 0U);
    while (use.blocks > 0U) {
        random_give_back(&use, 0);
    }
    assert_int_equal(use.rig->pool.used, 0);
    for (unsigned i = 0; i < POOL_PAGES / 64U; i++) {
        assert_non_null(take(use.rig, 64));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_of_the_wrong_form_is_refused),
        cmocka_unit_test(the_last_page_of_the_largest_pool_is_given),
        cmocka_unit_test_setup_teardown(pages_are_aligned_to_their_number_and_inside_the_pool, make, unmake),
        cmocka_unit_test_setup_teardown(odd_requests_get_nothing, make, unmake),
        cmocka_unit_test_setup_teardown(the_pool_gives_each_page_once_and_then_says_no, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_not_contiguous_is_not_enough, make, unmake),
        cmocka_unit_test_setup_teardown(zeroed_pages_are_zero_and_no_more_than_they, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_not_the_pools_is_not_taken_back, make, unmake),
        cmocka_unit_test(sizes_are_rounded_up_to_a_power_of_two),
        cmocka_unit_test_setup_teardown(random_use_never_gives_a_page_twice, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
