/* SPDX-License-Identifier: BSD-2-Clause */
/** Physical memory for translation tables: contiguous aligned runs, filled with descriptors that would be valid when
 *  handed out ("contents do not matter"), unreadable for the library once given back (ASan). */
#ifndef MODEL_STAGE2_MEMORY_H
#define MODEL_STAGE2_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <testkit/seed.h>

#define MEMORY_PAGES   512U
#define MEMORY_ENTRIES 512U
#define MEMORY_NONE    UINT32_MAX

struct stage2_memory {
    uint64_t (*page)[MEMORY_ENTRIES];
    uint64_t base_pa;
    uint8_t run[MEMORY_PAGES]; /* pages of the run that starts here; 0 if none does */
    bool live[MEMORY_PAGES];
    unsigned live_pages;
    unsigned allocations; /* asked for since reset by the test */
    unsigned fail_at;     /* the allocation (1..) that fails; 0 never */
    unsigned failures;
    struct test_rng rng;
};

void memory_init(struct stage2_memory *memory, uint64_t base_pa, uint64_t seed);
void memory_fini(struct stage2_memory *memory);

/** Index of the first page, or MEMORY_NONE. */
uint32_t memory_alloc(struct stage2_memory *memory, unsigned pages);

/** False: that run was not handed out so. */
bool memory_free(struct stage2_memory *memory, uint64_t pa, unsigned pages);

/** The live page at @pa, or MEMORY_NONE. */
uint32_t memory_index(const struct stage2_memory *memory, uint64_t pa);
uint64_t memory_pa(const struct stage2_memory *memory, uint32_t index);

/** As the walker's struct s2_memory wants it; @ctx is the struct stage2_memory. */
const uint64_t *memory_at(void *ctx, uint64_t pa);

#endif
