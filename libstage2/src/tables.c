/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/mem.h>

#include "internal.h"

struct ash_stage2_table_ ash_stage2_root_(const struct ash_stage2 *s2)
{
    struct ash_stage2_table_ root = {
        .entry = s2->hal->table_at(s2->ctx, s2->root),
        .level = s2->start_level,
        .entries = s2->root_pages * ENTRIES_,
    };

    return root;
}

struct ash_stage2_table_ ash_stage2_child_(const struct ash_stage2 *s2, const struct ash_stage2_table_ *table,
                                           unsigned index)
{
    struct ash_stage2_table_ child = {
        .entry = s2->hal->table_at(s2->ctx, ash_pa(table->entry[index] & DESC_ADDRESS_)),
        .ipa = ash_stage2_entry_ipa_(table, index),
        .level = table->level + 1U,
        .entries = ENTRIES_,
    };

    return child;
}

void ash_stage2_span_(const struct ash_stage2_table_ *table, uint64_t lo, uint64_t hi, unsigned *first,
                      unsigned *last)
{
    unsigned shift = ash_stage2_shift_(table->level);
    uint64_t end = table->ipa + ((uint64_t)table->entries << shift);

    *first = lo > table->ipa ? (unsigned)((lo - table->ipa) >> shift) : 0U;
    *last = (unsigned)(((hi < end ? hi : end) - 1U - table->ipa) >> shift);
}

/* ---- Spares ------------------------------------------------------------------------------------------------------ */

int ash_stage2_take_spares_(struct ash_stage2_job_ *job, unsigned count)
{
    struct ash_stage2 *s2 = job->s2;

    for (unsigned i = 0; i < count; i++) {
        ash_pa_t pa;
        int error = s2->hal->table_alloc(s2->ctx, 1, &pa);

        if (error != ASH_OK) {
            ash_stage2_return_spares_(job);
            return error;
        }
        s2->tables++;
        s2->hal->table_at(s2->ctx, pa)[0] = job->spares.value;
        job->spares = pa;
        job->spare_count++;
    }
    return ASH_OK;
}

uint64_t *ash_stage2_use_spare_(struct ash_stage2_job_ *job, ash_pa_t *pa)
{
    uint64_t *entry = job->s2->hal->table_at(job->s2->ctx, job->spares);

    *pa = job->spares;
    job->spares = ash_pa(entry[0]);
    job->spare_count--;
    memset(entry, 0, ENTRIES_ * sizeof(*entry));
    return entry;
}

void ash_stage2_return_spares_(struct ash_stage2_job_ *job)
{
    for (; job->spare_count > 0U; job->spare_count--) {
        ash_pa_t pa = job->spares;

        job->spares = ash_pa(job->s2->hal->table_at(job->s2->ctx, pa)[0]);
        ash_stage2_free_table_(job->s2, pa);
    }
}

void ash_stage2_free_table_(struct ash_stage2 *s2, ash_pa_t pa)
{
    s2->hal->table_free(s2->ctx, pa, 1);
    s2->tables--;
}

/* ---- Changing what walkers may have seen ------------------------------------------------------------------------- */

/** The TLBs forget [lo, hi). Only this and destroy call the HAL's invalidate(). */
static void invalidate(const struct ash_stage2 *s2, uint64_t lo, uint64_t hi, bool leaf_only)
{
    const struct ash_stage2_invalidation what = {
        .vmid = s2->vmid,
        .leaf_only = leaf_only,
        .ipa = ash_ipa(lo),
        .size = hi - lo,
    };

    s2->hal->invalidate(s2->ctx, &what);
}

void ash_stage2_break_before_make_(struct ash_stage2_job_ *job, ash_stage2_half_ *take_away,
                                   ash_stage2_half_ *make)
{
    struct ash_stage2_table_ root = ash_stage2_root_(job->s2);

    take_away(job, &root);
    if (job->changed) {
        invalidate(job->s2, job->lo, job->hi, !job->unlinked);
        make(job, &root);
    }
}

/** The same for @count entries (1 or a contiguous group) from entry @index of @table, valid ones among them, which are
 *  replaced by @with: what a split, a coalescing, a change of the hint needs for itself (R_WHZWS: a change of size). */
static void replace(const struct ash_stage2 *s2, const struct ash_stage2_table_ *table, unsigned index,
                    unsigned count, const uint64_t *with)
{
    uint64_t lo = ash_stage2_entry_ipa_(table, index);
    bool leaf_only = true;

    for (unsigned i = 0; i < count; i++) {
        if (ash_stage2_is_table_(table->entry[index + i], table->level) ||
            ash_stage2_is_table_(with[i], table->level)) {
            leaf_only = false;
        }
        ash_stage2_store_(&table->entry[index + i], 0);
    }
    s2->hal->publish(s2->ctx, &table->entry[index], count);
    invalidate(s2, lo, lo + ((uint64_t)count << ash_stage2_shift_(table->level)), leaf_only);
    for (unsigned i = 0; i < count; i++) {
        ash_stage2_store_(&table->entry[index + i], with[i]);
    }
    s2->hal->publish(s2->ctx, &table->entry[index], count);
}

/* ---- Contiguous groups ------------------------------------------------------------------------------------------- */

/** Does [lo, hi) cover some but not all of the group that begins at @ipa? */
static bool cuts_group(const struct ash_stage2_job_ *job, uint64_t ipa, unsigned level)
{
    uint64_t end = ipa + GROUP_ * ash_stage2_size_(level);
    bool apart = job->hi <= ipa || job->lo >= end;
    bool whole = job->lo <= ipa && job->hi >= end;

    return !apart && !whole;
}

void ash_stage2_ungroup_(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table,
                         unsigned index)
{
    unsigned first = index - index % GROUP_;
    uint64_t with[GROUP_];

    if ((table->entry[index] & DESC_CONTIGUOUS_) == 0U ||
        !cuts_group(job, ash_stage2_entry_ipa_(table, first), table->level)) {
        return;
    }
    for (unsigned i = 0; i < GROUP_; i++) {
        with[i] = table->entry[first + i] & ~DESC_CONTIGUOUS_;
    }
    replace(job->s2, table, first, GROUP_, with);
}

bool ash_stage2_may_group_(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table,
                           unsigned index, uint64_t pa)
{
    uint64_t size = GROUP_ * ash_stage2_size_(table->level);

    return job->s2->contiguous && table->level >= 2U && ash_is_aligned(pa, size) &&
           !cuts_group(job, ash_stage2_entry_ipa_(table, index), table->level);
}

bool ash_stage2_lines_up_(const struct ash_stage2_table_ *table, unsigned index, uint64_t ignore)
{
    uint64_t first = table->entry[index] & ~ignore;

    for (unsigned i = 1; i < GROUP_; i++) {
        if ((table->entry[index + i] & ~ignore) != first + i * ash_stage2_size_(table->level)) {
            return false;
        }
    }
    return true;
}

/** Is the group from entry @index on without the hint, and does it qualify? */
static bool wants_hint(const struct ash_stage2_table_ *table, unsigned index)
{
    uint64_t first = table->entry[index];

    return ash_stage2_is_leaf_(first, table->level) && (first & DESC_CONTIGUOUS_) == 0U &&
           ash_is_aligned(first & DESC_ADDRESS_, GROUP_ * ash_stage2_size_(table->level)) &&
           ash_stage2_lines_up_(table, index, 0);
}

void ash_stage2_regroup_(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table)
{
    unsigned first;
    unsigned last;

    if (!job->s2->contiguous || table->level < 2U) {
        return;
    }
    ash_stage2_span_(table, job->lo, job->hi, &first, &last);
    for (unsigned i = first - first % GROUP_; i <= last; i += GROUP_) {
        uint64_t with[GROUP_];

        if (wants_hint(table, i)) {
            for (unsigned k = 0; k < GROUP_; k++) {
                with[k] = table->entry[i + k] | DESC_CONTIGUOUS_;
            }
            replace(job->s2, table, i, GROUP_, with);
        }
    }
}

/* ---- Blocks into tables and back --------------------------------------------------------------------------------- */

void ash_stage2_split_(struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table, unsigned index)
{
    uint64_t block = table->entry[index];
    uint64_t pa = block & DESC_ADDRESS_;
    uint64_t hint = 0;
    uint64_t with;
    ash_pa_t child_pa;
    struct ash_stage2_table_ child = {
        .entry = ash_stage2_use_spare_(job, &child_pa),
        .ipa = ash_stage2_entry_ipa_(table, index),
        .level = table->level + 1U,
        .entries = ENTRIES_,
    };

    for (unsigned i = 0; i < ENTRIES_; i++) {
        uint64_t at = pa + ((uint64_t)i << ash_stage2_shift_(child.level));
        if (i % GROUP_ == 0U) {
            hint = ash_stage2_may_group_(job, &child, i, at) ? DESC_CONTIGUOUS_ : 0U;
        }
        child.entry[i] = ash_stage2_leaf_(at, (block & DESC_ATTR_) | hint, child.level);
    }
    job->s2->hal->publish(job->s2->ctx, child.entry, ENTRIES_);
    with = child_pa.value | DESC_TABLE_ | DESC_VALID_;
    replace(job->s2, table, index, 1, &with);
}

unsigned ash_stage2_split_cost_(uint64_t ipa, unsigned level, uint64_t lo, uint64_t hi)
{
    uint64_t end = ipa + ash_stage2_size_(level);
    uint64_t below = level < LEAF_LEVEL_ ? ash_stage2_size_(level + 1U) : 0U;
    uint64_t low_edge;
    uint64_t high_edge;
    unsigned cost = 1;

    if (lo <= ipa && hi >= end) {
        return 0; /* taken whole; a page always is */
    }
    low_edge = lo > ipa ? ash_align_down(lo, below) : ipa;
    high_edge = hi < end ? ash_align_down(hi - 1U, below) : end - below;
    cost += ash_stage2_split_cost_(low_edge, level + 1U, lo, hi);
    if (high_edge != low_edge) {
        cost += ash_stage2_split_cost_(high_edge, level + 1U, lo, hi);
    }
    return cost;
}

/** Do the entries of @child together map one block of the level above, evenly? */
static bool is_one_block(const struct ash_stage2_table_ *child)
{
    uint64_t first = child->entry[0] & ~DESC_CONTIGUOUS_;
    uint64_t size = ash_stage2_size_(child->level);

    if (child->level < 2U || !ash_stage2_is_leaf_(first, child->level) ||
        !ash_is_aligned(first & DESC_ADDRESS_, size * ENTRIES_)) {
        return false;
    }
    for (unsigned i = 1; i < ENTRIES_; i++) {
        if ((child->entry[i] & ~DESC_CONTIGUOUS_) != first + i * size) {
            return false;
        }
    }
    return true;
}

void ash_stage2_coalesce_(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table,
                          unsigned index)
{
    struct ash_stage2_table_ child = ash_stage2_child_(job->s2, table, index);
    ash_pa_t child_pa = ash_pa(table->entry[index] & DESC_ADDRESS_);
    uint64_t with;

    if (!is_one_block(&child)) {
        ash_stage2_regroup_(job, &child);
        return;
    }
    with = ash_stage2_leaf_(child.entry[0] & DESC_ADDRESS_, child.entry[0] & DESC_ATTR_, table->level);
    replace(job->s2, table, index, 1, &with);
    ash_stage2_free_table_(job->s2, child_pa);
}
