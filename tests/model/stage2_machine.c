/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage2_machine.h"

#include <string.h>

void machine_init(struct stage2_machine *machine, uint64_t base_pa, uint64_t seed)
{
    memset(machine, 0, sizeof(*machine));
    memory_init(&machine->memory, base_pa, seed);
    tlb_init(&machine->tlb, &machine->memory);
    machine->walk = (struct s2_memory){memory_at, &machine->memory};
}

void machine_fini(struct stage2_machine *machine)
{
    tlb_fini(&machine->tlb);
    memory_fini(&machine->memory);
}

static int table_alloc(void *ctx, unsigned pages, ash_pa_t *pa)
{
    struct stage2_machine *machine = ctx;
    uint32_t index;

    if (pages == 0U || pages > 16U || (pages & (pages - 1U)) != 0U) {
        tlb_report(&machine->tlb, TLB_BAD_OPERATION, 0);
        return ASH_ENOMEM;
    }
    tlb_observe(&machine->tlb);
    index = memory_alloc(&machine->memory, pages);
    if (index == MEMORY_NONE) {
        return ASH_ENOMEM;
    }
    for (uint32_t i = 0; i < pages; i++) {
        tlb_page_allocated(&machine->tlb, index + i);
    }
    *pa = ash_pa(memory_pa(&machine->memory, index));
    return ASH_OK;
}

static void table_free(void *ctx, ash_pa_t pa, unsigned pages)
{
    struct stage2_machine *machine = ctx;
    uint32_t index = memory_index(&machine->memory, pa.value);

    machine->frees++;
    if (index != MEMORY_NONE && machine->memory.run[index] == pages) {
        for (uint32_t i = 0; i < pages; i++) {
            tlb_page_freed(&machine->tlb, index + i);
        }
    }
    if (!memory_free(&machine->memory, pa.value, pages)) {
        tlb_report(&machine->tlb, TLB_BAD_OPERATION, 0);
    }
}

static uint64_t *table_at(void *ctx, ash_pa_t pa)
{
    struct stage2_machine *machine = ctx;
    uint32_t index = memory_index(&machine->memory, pa.value);

    if (index == MEMORY_NONE) {
        tlb_report(&machine->tlb, TLB_BAD_OPERATION, 0);
        return machine->scratch;
    }
    return machine->memory.page[index];
}

static void publish(void *ctx, const uint64_t *first, size_t count)
{
    struct stage2_machine *machine = ctx;

    machine->publishes++;
    tlb_publish(&machine->tlb, first, count);
}

/* As the header has it: TLBI IPAS2E1IS…; DSB ISH; TLBI VMALLE1IS; DSB ISH; ISB. */
static void invalidate(void *ctx, const struct ash_stage2_invalidation *what)
{
    struct stage2_machine *machine = ctx;
    bool sane = what->all ? what->ipa.value == 0U && what->size == 0U
                          : what->size != 0U && what->size % 4096U == 0U && what->ipa.value % 4096U == 0U;

    if (!sane) {
        tlb_report(&machine->tlb, TLB_BAD_OPERATION, what->ipa.value);
        return;
    }
    machine->invalidations++;
    machine->invalidations_all += what->all ? 1U : 0U;
    machine->invalidations_leaf += what->leaf_only ? 1U : 0U;
    if (what->all) {
        tlb_invalidate_all(&machine->tlb, what->vmid);
    } else {
        tlb_invalidate_ipa(&machine->tlb, what->vmid, what->ipa.value, what->size, what->leaf_only);
    }
    tlb_invalidate_stage1(&machine->tlb, what->vmid);
}

const struct ash_stage2_hal machine_hal = {
    .size = sizeof(struct ash_stage2_hal),
    .table_alloc = table_alloc,
    .table_free = table_free,
    .table_at = table_at,
    .publish = publish,
    .invalidate = invalidate,
};
