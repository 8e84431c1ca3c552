/* SPDX-License-Identifier: BSD-2-Clause */
/** libstage2's HAL on a machine that watches: table memory and the shadow TLB behind the five operations. */
#ifndef MODEL_STAGE2_MACHINE_H
#define MODEL_STAGE2_MACHINE_H

#include <libstage2/stage2.h>

#include "stage2_memory.h"
#include "stage2_tlb.h"

struct stage2_machine {
    struct stage2_memory memory;
    struct stage2_tlb tlb;
    struct s2_memory walk;            /* how the walker reads @memory */
    uint64_t scratch[MEMORY_ENTRIES]; /* what table_at() answers for a page that is none */
    uint64_t publishes, invalidations, invalidations_all, invalidations_leaf, frees;
};

void machine_init(struct stage2_machine *machine, uint64_t base_pa, uint64_t seed);
void machine_fini(struct stage2_machine *machine);

/** The vtable; its ctx is a struct stage2_machine. */
extern const struct ash_stage2_hal machine_hal;

#endif
