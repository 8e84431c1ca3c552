/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/mem.h>

#include "internal.h"

static bool is_complete(const struct ash_stage2_hal *hal)
{
    return hal != NULL && hal->size == sizeof(*hal) && hal->table_alloc != NULL && hal->table_free != NULL &&
           hal->table_at != NULL && hal->publish != NULL && hal->invalidate != NULL;
}

int ash_stage2_init(struct ash_stage2 *s2, const struct ash_stage2_config *config,
                    const struct ash_stage2_hal *hal, void *ctx)
{
    struct ash_stage2 made = {.hal = hal, .ctx = ctx};
    struct ash_stage2_table_ root;
    int error;

    if (s2 == NULL || config == NULL || config->size != sizeof(*config) || !is_complete(hal)) {
        return ASH_EINVAL;
    }
    error = ash_stage2_geometry_(config, &made);
    if (error == ASH_OK) {
        error = hal->table_alloc(ctx, made.root_pages, &made.root);
    }
    if (error != ASH_OK) {
        return error;
    }
    made.tables = made.root_pages;
    root = ash_stage2_root_(&made);
    memset(root.entry, 0, root.entries * sizeof(*root.entry));
    hal->publish(ctx, root.entry, root.entries);
    *s2 = made;
    return ASH_OK;
}

/** Free the tables below @table; nobody can reach them any more. Its entries' valid bits do not matter. */
static void free_below(struct ash_stage2 *s2, const struct ash_stage2_table_ *table)
{
    for (unsigned i = 0; i < table->entries; i++) {
        uint64_t descriptor = table->entry[i] | DESC_VALID_;

        if (table->entry[i] != 0U && ash_stage2_is_table_(descriptor, table->level)) {
            struct ash_stage2_table_ child = ash_stage2_child_(s2, table, i);
            free_below(s2, &child);
            ash_stage2_free_table_(s2, ash_pa(descriptor & DESC_ADDRESS_));
        }
    }
}

void ash_stage2_destroy(struct ash_stage2 *s2)
{
    const struct ash_stage2_invalidation everything = {.vmid = s2->vmid, .all = true};
    struct ash_stage2_table_ root = ash_stage2_root_(s2);

    /* Invalid, but the addresses stay: the way to the tables that are freed after the TLBs have forgotten them. */
    for (unsigned i = 0; i < root.entries; i++) {
        ash_stage2_store_(&root.entry[i], root.entry[i] & ~DESC_VALID_);
    }
    s2->hal->publish(s2->ctx, root.entry, root.entries);
    s2->hal->invalidate(s2->ctx, &everything);
    free_below(s2, &root);
    s2->hal->table_free(s2->ctx, s2->root, s2->root_pages);
    s2->tables = 0;
    s2->root = ash_pa(0);
}

void ash_stage2_set_vmid(struct ash_stage2 *s2, uint16_t vmid)
{
    __atomic_store_n(&s2->vmid, vmid, __ATOMIC_RELAXED);
}

uint64_t ash_stage2_vttbr(const struct ash_stage2 *s2)
{
    return ((uint64_t)__atomic_load_n(&s2->vmid, __ATOMIC_RELAXED) << 48) | s2->root.value;
}

uint64_t ash_stage2_vtcr(const struct ash_stage2 *s2)
{
    return s2->vtcr;
}
