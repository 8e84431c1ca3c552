/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_stage2.h"

#include <stdlib.h>
#include <string.h>

#include "testkit/cmocka.h"

#define INSIDE 255U
#define POISON 0xa5

static unsigned index_of(const struct fake_stage2 *fake, ash_pa_t pa)
{
    uint64_t index = (pa.value - FAKE_STAGE2_PA) / 4096U;

    (void)fake;
    assert_true(pa.value >= FAKE_STAGE2_PA && pa.value % 4096U == 0U && index < FAKE_STAGE2_PAGES);
    return (unsigned)index;
}

static int table_alloc(void *ctx, unsigned pages, ash_pa_t *pa)
{
    struct fake_stage2 *fake = (struct fake_stage2 *)ctx;

    assert_true(pages == 1U || pages == 2U || pages == 4U || pages == 8U || pages == 16U);
    if (fake->fail_after != 0U && --fake->fail_after == 0U) {
        return ASH_ENOMEM;
    }
    for (unsigned at = 0; at + pages <= FAKE_STAGE2_PAGES; at += pages) {
        bool is_free = true;
        for (unsigned i = 0; i < pages; i++) {
            is_free = is_free && fake->owner[at + i] == 0U;
        }
        if (is_free) {
            memset(&fake->owner[at], INSIDE, pages);
            fake->owner[at] = (uint8_t)pages;
            memset(fake->page[at], POISON, (size_t)pages * 4096U);
            fake->in_use += pages;
            *pa = ash_pa(FAKE_STAGE2_PA + (uint64_t)at * 4096U);
            return ASH_OK;
        }
    }
    return ASH_ENOMEM;
}

static void table_free(void *ctx, ash_pa_t pa, unsigned pages)
{
    struct fake_stage2 *fake = (struct fake_stage2 *)ctx;
    unsigned at = index_of(fake, pa);

    assert_int_equal(fake->owner[at], pages); /* what was given, whole, once */
    memset(&fake->owner[at], 0, pages);
    memset(fake->page[at], POISON, (size_t)pages * 4096U);
    fake->in_use -= pages;
}

static uint64_t *table_at(void *ctx, ash_pa_t pa)
{
    struct fake_stage2 *fake = (struct fake_stage2 *)ctx;
    unsigned at = index_of(fake, pa);

    assert_true(fake->owner[at] != 0U); /* never one that was given back */
    return fake->page[at];
}

static void publish(void *ctx, const uint64_t *first, size_t count)
{
    struct fake_stage2 *fake = (struct fake_stage2 *)ctx;

    assert_true(count > 0U && first >= fake->page[0] && first + count <= fake->page[FAKE_STAGE2_PAGES]);
    fake->published++;
}

static void invalidate(void *ctx, const struct ash_stage2_invalidation *what)
{
    struct fake_stage2 *fake = (struct fake_stage2 *)ctx;

    fake->last[fake->invalidations++ % FAKE_STAGE2_INVALIDATIONS] = *what;
}

const struct ash_stage2_hal fake_stage2_hal = {
    .size = sizeof(fake_stage2_hal),
    .table_alloc = table_alloc,
    .table_free = table_free,
    .table_at = table_at,
    .publish = publish,
    .invalidate = invalidate,
};

void fake_stage2_init(struct fake_stage2 *fake)
{
    memset(fake, 0, sizeof(*fake));
    fake->page = aligned_alloc((size_t)16 * 4096U, (size_t)FAKE_STAGE2_PAGES * 4096U);
    assert_non_null(fake->page);
}

void fake_stage2_fini(struct fake_stage2 *fake)
{
    assert_int_equal(fake->in_use, 0);
    free(fake->page);
}
