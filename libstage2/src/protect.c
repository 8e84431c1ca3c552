/* SPDX-License-Identifier: BSD-2-Clause */
#include "internal.h"

/** *@cost: tables for the blocks that [lo, hi) cuts and that change. ASH_ENOENT: a hole. */
static int plan(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table, unsigned *cost)
{
    unsigned first;
    unsigned last;
    int error = ASH_OK;

    ash_stage2_span_(table, job->lo, job->hi, &first, &last);
    for (unsigned i = first; i <= last && error == ASH_OK; i++) {
        if (ash_stage2_is_table_(table->entry[i], table->level)) {
            struct ash_stage2_table_ child = ash_stage2_child_(job->s2, table, i);
            error = plan(job, &child, cost);
        } else if (!ash_stage2_is_leaf_(table->entry[i], table->level)) {
            error = ASH_ENOENT;
        } else if ((table->entry[i] & DESC_ATTR_) != job->attr) {
            *cost += ash_stage2_split_cost_(ash_stage2_entry_ipa_(table, i), table->level, job->lo, job->hi);
        }
    }
    return error;
}

/** Break: every leaf in [lo, hi) that changes loses its valid bit and keeps the rest. A memory type may not change
 *  under a valid descriptor (DDI 0487 D8.13.1, R_WHZWS), and rights are treated alike. */
static void take_away(struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table)
{
    unsigned first;
    unsigned last;

    ash_stage2_span_(table, job->lo, job->hi, &first, &last);
    for (unsigned i = first; i <= last; i++) {
        uint64_t ipa = ash_stage2_entry_ipa_(table, i);
        struct ash_stage2_table_ child;

        if (ash_stage2_is_leaf_(table->entry[i], table->level)) {
            if ((table->entry[i] & DESC_ATTR_) == job->attr) {
                continue;
            }
            ash_stage2_ungroup_(job, table, i);
            if (job->lo <= ipa && job->hi >= ipa + ash_stage2_size_(table->level)) {
                ash_stage2_store_(&table->entry[i], table->entry[i] & ~DESC_VALID_);
                job->changed = true;
                continue;
            }
            ash_stage2_split_(job, table, i);
        }
        child = ash_stage2_child_(job->s2, table, i); /* plan() has seen that there is no hole */
        take_away(job, &child);
    }
    job->s2->hal->publish(job->s2->ctx, &table->entry[first], last - first + 1U);
}

/** Were the GROUP_ entries from @index on all taken away, and do they qualify for the hint now that they come back with
 *  the same attributes? */
static bool returns_as_group(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table,
                             unsigned index)
{
    uint64_t first = table->entry[index];

    return (first & DESC_VALID_) == 0U && ash_stage2_may_group_(job, table, index, first & DESC_ADDRESS_) &&
           ash_stage2_lines_up_(table, index, DESC_ATTR_ | DESC_CONTIGUOUS_);
}

/** Make: what take_away() left comes back with the new attributes. */
static void give_back(struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table)
{
    unsigned group_end = 0;
    unsigned first;
    unsigned last;

    ash_stage2_span_(table, job->lo, job->hi, &first, &last);
    for (unsigned i = first; i <= last; i++) {
        uint64_t descriptor = table->entry[i];

        if (i % GROUP_ == 0U && returns_as_group(job, table, i)) {
            group_end = i + GROUP_;
        }
        if (ash_stage2_is_table_(descriptor, table->level)) {
            struct ash_stage2_table_ child = ash_stage2_child_(job->s2, table, i);
            give_back(job, &child);
            ash_stage2_coalesce_(job, table, i);
        } else if ((descriptor & DESC_VALID_) == 0U) {
            uint64_t hint = i < group_end ? DESC_CONTIGUOUS_ : 0U;
            uint64_t kept = descriptor & ~(DESC_ATTR_ | DESC_CONTIGUOUS_);
            ash_stage2_store_(&table->entry[i], kept | job->attr | hint | DESC_VALID_);
        }
    }
    job->s2->hal->publish(job->s2->ctx, &table->entry[first], last - first + 1U);
}

int ash_stage2_protect(struct ash_stage2 *s2, ash_ipa_t ipa, uint64_t size, uint32_t attr)
{
    struct ash_stage2_job_ job = {.s2 = s2, .lo = ipa.value, .hi = ipa.value + size};
    struct ash_stage2_table_ root = ash_stage2_root_(s2);
    unsigned cost = 0;
    int error;

    if (!ash_stage2_encode_attr_(attr, &job.attr)) {
        return ASH_EINVAL;
    }
    error = ash_stage2_range_(s2, ipa.value, size);
    if (error == ASH_OK) {
        error = plan(&job, &root, &cost);
    }
    if (error == ASH_OK) {
        error = ash_stage2_take_spares_(&job, cost);
    }
    if (error == ASH_OK) {
        ash_stage2_break_before_make_(&job, take_away, give_back);
        ash_stage2_regroup_(&job, &root);
        ash_stage2_return_spares_(&job);
    }
    return error;
}
