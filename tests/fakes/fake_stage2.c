/* SPDX-License-Identifier: BSD-2-Clause */
#include "testkit/fake_stage2.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "testkit/cmocka.h"

#define PAGE   4096U
#define INSIDE 255U
#define POISON 0xa7 /* every descriptor of such a page would be a valid table or page */

static unsigned index_of(const struct fake_stage2 *fake, ash_pa_t pa)
{
    uint64_t index = (pa.value - fake->pa) / PAGE;

    assert_true(pa.value >= fake->pa && pa.value % PAGE == 0U && index < FAKE_STAGE2_PAGES);
    return (unsigned)index;
}

static bool are_free(const struct fake_stage2 *fake, unsigned at, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        if (fake->owner[at + i] != 0U) {
            return false;
        }
    }
    return true;
}

static int table_alloc(void *ctx, unsigned pages, ash_pa_t *pa)
{
    struct fake_stage2 *fake = (struct fake_stage2 *)ctx;

    assert_true(pages == 1U || pages == 2U || pages == 4U || pages == 8U || pages == 16U);
    if (fake->fail_after != 0U && --fake->fail_after == 0U) {
        return ASH_ENOMEM;
    }
    for (unsigned at = fake->lowest; at + pages <= FAKE_STAGE2_PAGES; at += pages) {
        if (are_free(fake, at, pages)) {
            memset(&fake->owner[at], INSIDE, pages);
            fake->owner[at] = (uint8_t)pages;
            ASAN_UNPOISON_MEMORY_REGION(fake->page[at], (size_t)pages * PAGE);
            memset(fake->page[at], POISON, (size_t)pages * PAGE);
            fake->in_use += pages;
            *pa = ash_pa(fake->pa + (uint64_t)at * PAGE);
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
    ASAN_POISON_MEMORY_REGION(fake->page[at], (size_t)pages * PAGE);
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

    assert_true(what->all ? what->size == 0U && what->ipa.value == 0U : what->size > 0U);
    assert_true((what->ipa.value | what->size) % PAGE == 0U);
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
    fake->pa = FAKE_STAGE2_PA;
    fake->page = aligned_alloc((size_t)16 * PAGE, (size_t)FAKE_STAGE2_PAGES * PAGE);
    assert_non_null(fake->page);
    ASAN_POISON_MEMORY_REGION(fake->page, (size_t)FAKE_STAGE2_PAGES * PAGE);
}

void fake_stage2_fini(struct fake_stage2 *fake)
{
    assert_int_equal(fake->in_use, 0);
    ASAN_UNPOISON_MEMORY_REGION(fake->page, (size_t)FAKE_STAGE2_PAGES * PAGE);
    free(fake->page);
}
