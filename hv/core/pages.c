/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pages.h"

#include <libbase/bits.h>
#include <libbase/mem.h>

int hv_pages_init(struct hv_pages *pool, uint64_t base, uint32_t pages)
{
    if (!ash_is_aligned(base, (uint64_t)64 * HV_PAGE_SIZE) || pages == 0U || pages > HV_PAGES_MAX ||
        pages % 64U != 0U) {
        return ASH_EINVAL;
    }
    memset(pool, 0, sizeof(*pool));
    pool->base = base;
    pool->total = pages;
    return ASH_OK;
}

/** The bits of @pages pages, at the bottom of a word. */
static uint64_t run_of(unsigned pages)
{
    return pages >= 64U ? ~UINT64_C(0) : (UINT64_C(1) << pages) - 1U;
}

/** Others ask without the lock. */
static void count(struct hv_pages *pool, uint32_t used)
{
    __atomic_store_n(&pool->used, used, __ATOMIC_RELAXED);
}

/** Where @pages pages, a power of two, aligned to as many, are all free: a bit at the first of each such run. */
static uint64_t free_runs(uint64_t taken, unsigned pages)
{
    uint64_t starts = ~taken;

    for (unsigned known = 1; known < pages; known *= 2U) {
        starts &= starts >> known;
    }
    return starts & (~UINT64_C(0) / run_of(pages));
}

void *hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request)
{
    unsigned pages = request->pages;
    void *found = NULL;

    if (!ash_is_power_of_two(pages) || pages > 64U) {
        return NULL;
    }
    hv_lock(&pool->lock);
    for (uint32_t word = 0; word < pool->total / 64U && found == NULL; word++) {
        uint64_t starts = free_runs(pool->taken[word], pages);

        if (starts != 0U) {
            unsigned bit = ash_lowest_bit(starts);

            pool->taken[word] |= run_of(pages) << bit;
            count(pool, pool->used + pages);
            found = (void *)(uintptr_t)(pool->base + ((uint64_t)word * 64U + bit) * HV_PAGE_SIZE);
        }
    }
    hv_unlock(&pool->lock);
    return found;
}

void *hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages)
{
    const struct hv_page_request request = {.pages = pages};
    void *first = hv_pages_alloc(pool, &request);

    if (first != NULL) {
        hv_arch_zero_pages(first, (size_t)pages * HV_PAGE_SIZE);
    }
    return first;
}

void hv_pages_free(struct hv_pages *pool, void *first, unsigned pages)
{
    uint64_t page = ((uint64_t)(uintptr_t)first - pool->base) / HV_PAGE_SIZE;

    if (first == NULL || page + pages > pool->total) {
        return;
    }
    hv_lock(&pool->lock);
    pool->taken[page / 64U] &= ~(run_of(pages) << (page % 64U));
    count(pool, pool->used - pages);
    hv_unlock(&pool->lock);
}

unsigned hv_pages_for(size_t size)
{
    unsigned pages = 1;

    while ((size_t)pages * HV_PAGE_SIZE < size) {
        pages *= 2U;
    }
    return pages;
}
