/* SPDX-License-Identifier: BSD-2-Clause */
/** The page pool: 4 KiB pages for tables, CPUs and VMs, taken from the ownership map as one region at boot.
 *  Lock domain: the page pool (the innermost lock); the functions take it themselves. */
#ifndef HV_CORE_PAGES_H
#define HV_CORE_PAGES_H

#include <stddef.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/types.h>

#include "core/lock.h"

#define HV_PAGE_SIZE   4096U
#define HV_PAGES_MAX   2048U
#define HV_PAGES_WORDS (HV_PAGES_MAX / 64U)

/** Which pages will do. Colours come with cache colouring; one node so far. */
struct hv_page_request {
    unsigned pages; /* 1, 2, 4, 8, 16, 32 or 64 contiguous ones, aligned to their size */
};

struct hv_pages {
    struct hv_lock lock;
    uint64_t base; /* PA = hv's VA */
    uint32_t total;
    uint32_t used;
    uint64_t taken[HV_PAGES_WORDS]; /* one bit a page */
};

/** @base: aligned to 64 pages; @pages: at most HV_PAGES_MAX, a multiple of 64. */
int hv_pages_init(struct hv_pages *pool, uint64_t base, uint32_t pages) ASH_NODISCARD;

/** Memory as @request says, contents as they were; NULL: none left. */
void *hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request) ASH_NODISCARD;

/** The same, zeroed. */
void *hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages) ASH_NODISCARD;

/** Give back what hv_pages_alloc() gave, whole. */
void hv_pages_free(struct hv_pages *pool, void *first, unsigned pages);

/** The fewest pages of the form 2^n that hold @size bytes. */
unsigned hv_pages_for(size_t size);

#endif
