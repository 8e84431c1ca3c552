/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage2_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define MEMORY_ASAN 1
#endif
#ifdef MEMORY_ASAN
#include <sanitizer/asan_interface.h>
#define HIDE(at, size) ASAN_POISON_MEMORY_REGION(at, size)
#define SHOW(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
#else
#define HIDE(at, size) ((void)(at), (void)(size))
#define SHOW(at, size) ((void)(at), (void)(size))
#endif

#define PAGE 4096U

void memory_init(struct stage2_memory *memory, uint64_t base_pa, uint64_t seed)
{
    memset(memory, 0, sizeof(*memory));
    memory->base_pa = base_pa;
    memory->rng.state = seed | 1U;
    memory->page = aligned_alloc(PAGE, (size_t)MEMORY_PAGES * PAGE);
    assert(memory->page != NULL && base_pa % (16U * PAGE) == 0U);
    HIDE(memory->page, (size_t)MEMORY_PAGES * PAGE);
}

void memory_fini(struct stage2_memory *memory)
{
    SHOW(memory->page, (size_t)MEMORY_PAGES * PAGE);
    free(memory->page);
    memory->page = NULL;
}

static bool is_free(const struct stage2_memory *memory, uint32_t index, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        if (memory->live[index + i]) {
            return false;
        }
    }
    return true;
}

static void hand_out(struct stage2_memory *memory, uint32_t index, unsigned pages)
{
    memory->run[index] = (uint8_t)pages;
    memory->live_pages += pages;
    for (unsigned i = 0; i < pages; i++) {
        memory->live[index + i] = true;
        SHOW(memory->page[index + i], PAGE);
        for (unsigned entry = 0; entry < MEMORY_ENTRIES; entry++) {
            memory->page[index + i][entry] = test_rng_next(&memory->rng) | 3U;
        }
    }
}

uint32_t memory_alloc(struct stage2_memory *memory, unsigned pages)
{
    uint32_t start = (uint32_t)test_rng_below(&memory->rng, MEMORY_PAGES) / pages * pages;

    memory->allocations++;
    if (memory->allocations == memory->fail_at) {
        memory->failures++;
        return MEMORY_NONE;
    }
    for (uint32_t step = 0; step < MEMORY_PAGES; step += pages) {
        uint32_t index = (start + step) % MEMORY_PAGES;

        if (is_free(memory, index, pages)) {
            hand_out(memory, index, pages);
            return index;
        }
    }
    return MEMORY_NONE;
}

uint32_t memory_index(const struct stage2_memory *memory, uint64_t pa)
{
    uint64_t index = (pa - memory->base_pa) / PAGE;

    return pa % PAGE == 0U && pa >= memory->base_pa && index < MEMORY_PAGES && memory->live[index]
               ? (uint32_t)index
               : MEMORY_NONE;
}

uint64_t memory_pa(const struct stage2_memory *memory, uint32_t index)
{
    return memory->base_pa + (uint64_t)index * PAGE;
}

bool memory_free(struct stage2_memory *memory, uint64_t pa, unsigned pages)
{
    uint32_t index = memory_index(memory, pa);

    if (index == MEMORY_NONE || pages == 0U || memory->run[index] != pages) {
        return false;
    }
    memory->run[index] = 0;
    memory->live_pages -= pages;
    for (unsigned i = 0; i < pages; i++) {
        memory->live[index + i] = false;
    }
    HIDE(memory->page[index], (size_t)pages * PAGE);
    return true;
}

const uint64_t *memory_at(void *ctx, uint64_t pa)
{
    struct stage2_memory *memory = ctx;
    uint32_t index = memory_index(memory, pa);

    return index == MEMORY_NONE ? NULL : memory->page[index];
}
