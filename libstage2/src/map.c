/* SPDX-License-Identifier: BSD-2-Clause */
#include "internal.h"

#include <libbase/checked.h>

/** The PA that @job maps @ipa to. */
static uint64_t pa_of(const struct ash_stage2_job_ *job, uint64_t ipa)
{
    return job->pa + (ipa - job->lo);
}

/** How much of [lo, hi) one entry at @ipa of @level gets: *@from, and the bytes. */
static uint64_t part_of(const struct ash_stage2_job_ *job, uint64_t ipa, unsigned level, uint64_t *from)
{
    uint64_t end = ipa + ash_stage2_size_(level);

    *from = job->lo > ipa ? job->lo : ipa;
    return (job->hi < end ? job->hi : end) - *from;
}

/** Tables for a hole at @ipa of @level. */
static unsigned cost_of_hole(const struct ash_stage2_job_ *job, uint64_t ipa, unsigned level)
{
    uint64_t from;
    uint64_t size = part_of(job, ipa, level, &from);
    uint64_t below;
    unsigned cost = 1;

    if (ash_stage2_fits_(from, pa_of(job, from), size, level)) {
        return 0;
    }
    below = ash_stage2_size_(level + 1U);
    for (uint64_t at = ash_align_down(from, below); at < from + size; at += below) {
        cost += cost_of_hole(job, at, level + 1U);
    }
    return cost;
}

/** Is what the leaf at @ipa maps what @job asks for? */
static bool is_identical(const struct ash_stage2_job_ *job, uint64_t ipa, unsigned level, uint64_t leaf)
{
    uint64_t from;

    (void)part_of(job, ipa, level, &from);
    return (leaf & DESC_ATTR_) == job->attr && (leaf & DESC_ADDRESS_) + (from - ipa) == pa_of(job, from);
}

/** *@cost tables are needed. ASH_EEXIST: something else is there. */
static int plan(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table, unsigned *cost)
{
    unsigned first;
    unsigned last;
    int error = ASH_OK;

    ash_stage2_span_(table, job->lo, job->hi, &first, &last);
    for (unsigned i = first; i <= last && error == ASH_OK; i++) {
        uint64_t ipa = ash_stage2_entry_ipa_(table, i);

        if (ash_stage2_is_table_(table->entry[i], table->level)) {
            struct ash_stage2_table_ child = ash_stage2_child_(job->s2, table, i);
            error = plan(job, &child, cost);
        } else if (ash_stage2_is_leaf_(table->entry[i], table->level)) {
            error = is_identical(job, ipa, table->level, table->entry[i]) ? ASH_OK : ASH_EEXIST;
        } else {
            *cost += cost_of_hole(job, ipa, table->level);
        }
    }
    return error;
}

/** Are entries [index, index + GROUP_) holes that this call fills with one contiguous group? */
static bool fills_group(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table,
                        unsigned index)
{
    uint64_t ipa = ash_stage2_entry_ipa_(table, index);

    if (job->lo > ipa || !ash_stage2_may_group_(job, table, index, pa_of(job, ipa))) {
        return false;
    }
    for (unsigned i = 0; i < GROUP_; i++) {
        if (table->entry[index + i] != 0U) {
            return false;
        }
    }
    return true;
}

static void fill(struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table, bool live);

/** A table for the hole at entry @index, filled and published before it is linked: the walker is a separate observer
 *  (DDI 0487 D8.2 "Ordering of memory accesses from translation table walks") and must never see what was in that
 *  memory before. */
static void fill_hole(struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table, unsigned index)
{
    ash_pa_t pa;
    struct ash_stage2_table_ child = {
        .entry = ash_stage2_use_spare_(job, &pa),
        .ipa = ash_stage2_entry_ipa_(table, index),
        .level = table->level + 1U,
        .entries = ENTRIES_,
    };

    fill(job, &child, false);
    job->s2->hal->publish(job->s2->ctx, child.entry, ENTRIES_);
    ash_stage2_store_(&table->entry[index], pa.value | DESC_TABLE_ | DESC_VALID_);
}

/** Commit: holes to leaves and to tables. Nothing is invalidated: a descriptor that gives a translation fault is never
 *  held in a TLB (D8.13 "TLB maintenance", I_WZCBG). The context synchronisation event that the guest's instruction
 *  fetches need is the ERET that enters it. @live: walkers reach @table already. */
static void fill(struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table, bool live)
{
    unsigned group_end = 0;
    unsigned first;
    unsigned last;

    ash_stage2_span_(table, job->lo, job->hi, &first, &last);
    for (unsigned i = first; i <= last; i++) {
        uint64_t ipa = ash_stage2_entry_ipa_(table, i);
        uint64_t from;
        uint64_t size = part_of(job, ipa, table->level, &from);

        if (i % GROUP_ == 0U && fills_group(job, table, i)) {
            group_end = i + GROUP_;
        }
        if (ash_stage2_is_table_(table->entry[i], table->level)) {
            struct ash_stage2_table_ child = ash_stage2_child_(job->s2, table, i);
            fill(job, &child, true);
            ash_stage2_coalesce_(job, table, i);
        } else if (table->entry[i] != 0U) {
            continue; /* the identical mapping */
        } else if (ash_stage2_fits_(from, pa_of(job, from), size, table->level)) {
            uint64_t hint = i < group_end ? DESC_CONTIGUOUS_ : 0U;
            ash_stage2_store_(&table->entry[i],
                              ash_stage2_leaf_(pa_of(job, ipa), job->attr | hint, table->level));
        } else {
            fill_hole(job, table, i);
        }
    }
    if (live) {
        job->s2->hal->publish(job->s2->ctx, &table->entry[first], last - first + 1U);
    }
}

int ash_stage2_map(struct ash_stage2 *s2, ash_ipa_t ipa, ash_pa_t pa, uint64_t size, uint32_t attr)
{
    struct ash_stage2_job_ job = {.s2 = s2, .lo = ipa.value, .hi = ipa.value + size, .pa = pa.value};
    struct ash_stage2_table_ root = ash_stage2_root_(s2);
    unsigned cost = 0;
    int error;

    if (!ash_stage2_encode_attr_(attr, &job.attr) || !ash_is_aligned(pa.value, ASH_STAGE2_PAGE_SIZE) ||
        !ash_range_ok(pa.value, size)) {
        return ASH_EINVAL;
    }
    error = ash_stage2_range_(s2, ipa.value, size);
    if (error != ASH_OK) {
        return error;
    }
    if (!ash_range_within(pa.value, size, 0, UINT64_C(1) << s2->pa_bits)) {
        return ASH_ERANGE;
    }
    error = plan(&job, &root, &cost);
    if (error == ASH_OK) {
        error = ash_stage2_take_spares_(&job, cost);
    }
    if (error == ASH_OK) {
        fill(&job, &root, true);
        ash_stage2_regroup_(&job, &root);
        ash_stage2_return_spares_(&job);
    }
    return error;
}
