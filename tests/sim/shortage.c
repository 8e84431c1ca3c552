/* SPDX-License-Identifier: BSD-2-Clause */
#include "shortage.h"

#include <stdbool.h>
#include <stddef.h>

#include "core/pages.h"

uint32_t sim_fails_in;

void *__real_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request);
void *__wrap_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request);
void *__real_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages);
void *__wrap_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages);

static bool fails(void)
{
    sim_fails_in -= sim_fails_in > 0U ? 1U : 0U;
    return sim_fails_in == 0U;
}

void *__wrap_hv_pages_alloc(struct hv_pages *pool, const struct hv_page_request *request)
{
    return sim_fails_in != 0U && fails() ? NULL : __real_hv_pages_alloc(pool, request);
}

void *__wrap_hv_pages_alloc_zeroed(struct hv_pages *pool, unsigned pages)
{
    return sim_fails_in != 0U && fails() ? NULL : __real_hv_pages_alloc_zeroed(pool, pages);
}
