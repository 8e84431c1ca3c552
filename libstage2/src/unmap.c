/* SPDX-License-Identifier: BSD-2-Clause */
#include "internal.h"

/** Tables for the blocks that [lo, hi) cuts. */
static unsigned plan(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table)
{
    unsigned cost = 0;
    unsigned first;
    unsigned last;

    ash_stage2_span_(table, job->lo, job->hi, &first, &last);
    for (unsigned i = first; i <= last; i++) {
        if (ash_stage2_is_table_(table->entry[i], table->level)) {
            struct ash_stage2_table_ child = ash_stage2_child_(job->s2, table, i);
            cost += plan(job, &child);
        } else if (ash_stage2_is_leaf_(table->entry[i], table->level)) {
            cost += ash_stage2_split_cost_(ash_stage2_entry_ipa_(table, i), table->level, job->lo, job->hi);
        }
    }
    return cost;
}

static bool is_empty(const struct ash_stage2_table_ *table)
{
    for (unsigned i = 0; i < table->entries; i++) {
        if ((table->entry[i] & DESC_VALID_) != 0U) {
            return false;
        }
    }
    return true;
}

static bool is_covered(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table,
                       unsigned index)
{
    uint64_t ipa = ash_stage2_entry_ipa_(table, index);

    return job->lo <= ipa && job->hi >= ipa + ash_stage2_size_(table->level);
}

/** Leaves in [lo, hi) become zero. A table that has become empty loses its descriptor's valid bit and keeps the
 *  address: free_unlinked() finds it there once the TLBs have forgotten it. */
static void clear(struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table)
{
    unsigned first;
    unsigned last;

    ash_stage2_span_(table, job->lo, job->hi, &first, &last);
    for (unsigned i = first; i <= last; i++) {
        if (ash_stage2_is_leaf_(table->entry[i], table->level)) {
            ash_stage2_ungroup_(job, table, i);
            if (is_covered(job, table, i)) {
                ash_stage2_store_(&table->entry[i], 0);
                job->changed = true;
                continue;
            }
            ash_stage2_split_(job, table, i);
        }
        if (ash_stage2_is_table_(table->entry[i], table->level)) {
            struct ash_stage2_table_ child = ash_stage2_child_(job->s2, table, i);
            clear(job, &child);
            if (is_empty(&child)) {
                ash_stage2_store_(&table->entry[i], table->entry[i] & ~DESC_VALID_);
                job->changed = true;
                job->unlinked = true;
            }
        }
    }
    job->s2->hal->publish(job->s2->ctx, &table->entry[first], last - first + 1U);
}

/** After the invalidation: free the tables that clear() took out, and forget where they were. */
static void free_unlinked(struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table)
{
    unsigned first;
    unsigned last;

    if (!job->unlinked || table->level == LEAF_LEVEL_) {
        return;
    }
    ash_stage2_span_(table, job->lo, job->hi, &first, &last);
    for (unsigned i = first; i <= last; i++) {
        uint64_t descriptor = table->entry[i];

        if ((descriptor & DESC_TABLE_) != 0U) {
            struct ash_stage2_table_ child = ash_stage2_child_(job->s2, table, i);
            free_unlinked(job, &child);
            if ((descriptor & DESC_VALID_) == 0U) {
                ash_stage2_free_table_(job->s2, ash_pa(descriptor & DESC_ADDRESS_));
                ash_stage2_store_(&table->entry[i], 0);
            }
        }
    }
    job->s2->hal->publish(job->s2->ctx, &table->entry[first], last - first + 1U);
}

int ash_stage2_unmap(struct ash_stage2 *s2, ash_ipa_t ipa, uint64_t size)
{
    struct ash_stage2_job_ job = {.s2 = s2, .lo = ipa.value, .hi = ipa.value + size};
    struct ash_stage2_table_ root = ash_stage2_root_(s2);
    int error = ash_stage2_range_(s2, ipa.value, size);

    if (error == ASH_OK) {
        error = ash_stage2_take_spares_(&job, plan(&job, &root));
    }
    if (error == ASH_OK) {
        ash_stage2_break_before_make_(&job, clear, free_unlinked);
        ash_stage2_return_spares_(&job);
    }
    return error;
}
