/* SPDX-License-Identifier: BSD-2-Clause */
/** What libstage2's files share. Levels are the manual's: 0 the coarsest, 3 the pages.
 *
 *  Every change of the tables goes in two steps: *plan* walks without writing and counts the tables that will be needed
 *  (and finds every error); then all of them are taken from the HAL; *commit* cannot fail any more.
 *
 *  Between two calls an invalid descriptor is zero. While a call breaks before it makes, one may keep its address.
 */
#ifndef LIBSTAGE2_INTERNAL_H
#define LIBSTAGE2_INTERNAL_H

#include <libstage2/stage2.h>

#define ENTRIES_    512U
#define LEAF_LEVEL_ 3U
#define GROUP_      16U /* entries of a contiguous group, 4 KiB granule (DDI 0487 D8.6 "Contiguous bit") */

/* Stage-2 descriptors, VMSAv8-64, 4 KiB granule (DDI 0487 D8.3.1, D8.3.2, D8.4.2, D8.5.5). */
#define DESC_VALID_      ASH_BIT(0)
#define DESC_TABLE_      ASH_BIT(1) /* levels 0..2: table; level 3: page */
#define DESC_MEMATTR_    ASH_MASK(5, 2)
#define DESC_S2AP_       ASH_MASK(7, 6)
#define DESC_SH_         ASH_MASK(9, 8)
#define DESC_AF_         ASH_BIT(10)
#define DESC_ADDRESS_    ASH_MASK(47, 12)
#define DESC_CONTIGUOUS_ ASH_BIT(52)
#define DESC_XN_         ASH_BIT(54)
#define DESC_ATTR_       (DESC_MEMATTR_ | DESC_S2AP_ | DESC_SH_ | DESC_AF_ | DESC_XN_)

/** log2 of the bytes that one entry of @level covers. */
static inline unsigned ash_stage2_shift_(unsigned level)
{
    return 39U - 9U * level;
}

static inline uint64_t ash_stage2_size_(unsigned level)
{
    return UINT64_C(1) << ash_stage2_shift_(level);
}

/** A table in hand: its descriptors and the IPA that the first one translates. */
struct ash_stage2_table_ {
    uint64_t *entry;
    uint64_t ipa;
    unsigned level;
    unsigned entries; /* ENTRIES_; of concatenated roots a multiple, of a small one fewer are used */
};

/** One call's work on [lo, hi). */
struct ash_stage2_job_ {
    struct ash_stage2 *s2;
    uint64_t lo;
    uint64_t hi;
    uint64_t pa;     /* of lo: map */
    uint64_t attr;   /* descriptor bits: map, protect */
    ash_pa_t spares; /* @spare_count tables taken for this call, chained through their first word */
    unsigned spare_count;
    bool changed;  /* a valid descriptor was taken away: TLBs may hold it */
    bool unlinked; /* a table too: walk caches may hold it */
};

/* ---- geometry.c: pure ---- */

/** Start level, root pages, VTCR for @ipa_bits on this CPU. ASH_OK, ASH_EINVAL, ASH_ENOTSUP. */
int ash_stage2_geometry_(const struct ash_stage2_config *config, struct ash_stage2 *s2);
/** Is [ipa, ipa+size) a range of whole pages inside the table? ASH_OK, ASH_EINVAL, ASH_ERANGE. */
int ash_stage2_range_(const struct ash_stage2 *s2, uint64_t ipa, uint64_t size);

/* ---- descriptor.c: pure ---- */

/** Descriptor bits of @attr. False: not a legal combination. */
bool ash_stage2_encode_attr_(uint32_t attr, uint64_t *bits);
uint32_t ash_stage2_decode_attr_(uint64_t descriptor);

static inline uint64_t ash_stage2_leaf_(uint64_t pa, uint64_t attr, unsigned level)
{
    return pa | attr | (level == LEAF_LEVEL_ ? DESC_TABLE_ : 0U) | DESC_VALID_;
}

static inline bool ash_stage2_is_table_(uint64_t descriptor, unsigned level)
{
    return level < LEAF_LEVEL_ && (descriptor & (DESC_TABLE_ | DESC_VALID_)) == (DESC_TABLE_ | DESC_VALID_);
}

static inline bool ash_stage2_is_leaf_(uint64_t descriptor, unsigned level)
{
    return (descriptor & DESC_VALID_) != 0U && !ash_stage2_is_table_(descriptor, level);
}

/** May a block or page of @level stand at @ipa for @pa, @size bytes being asked for? */
static inline bool ash_stage2_fits_(uint64_t ipa, uint64_t pa, uint64_t size, unsigned level)
{
    return level > 0U && size >= ash_stage2_size_(level) && ash_is_aligned(ipa | pa, ash_stage2_size_(level));
}

/* ---- tables.c: the tables' memory, and the only place that asks for an invalidation ---- */

/** The single-copy atomic store that walkers see whole (DDI 0487 B2.2.1 "Requirements for single-copy atomicity"). */
static inline void ash_stage2_store_(uint64_t *entry, uint64_t descriptor)
{
    __atomic_store_n(entry, descriptor, __ATOMIC_RELAXED);
}

struct ash_stage2_table_ ash_stage2_root_(const struct ash_stage2 *s2);
/** The table that entry @index of @table, a table descriptor, names. */
struct ash_stage2_table_ ash_stage2_child_(const struct ash_stage2 *s2, const struct ash_stage2_table_ *table,
                                           unsigned index);

/** The entries of @table that [lo, hi) touches: first..last, inclusive. The range touches the table. */
void ash_stage2_span_(const struct ash_stage2_table_ *table, uint64_t lo, uint64_t hi, unsigned *first,
                      unsigned *last);
static inline uint64_t ash_stage2_entry_ipa_(const struct ash_stage2_table_ *table, unsigned index)
{
    return table->ipa + ((uint64_t)index << ash_stage2_shift_(table->level));
}

/** Take @count tables from the HAL for @job; on an error give them back and return it. */
int ash_stage2_take_spares_(struct ash_stage2_job_ *job, unsigned count);
/** One of them, every entry zero, not yet published. */
uint64_t *ash_stage2_use_spare_(struct ash_stage2_job_ *job, ash_pa_t *pa);
/** What is left over. */
void ash_stage2_return_spares_(struct ash_stage2_job_ *job);
/** A table that no CPU can reach any more. */
void ash_stage2_free_table_(struct ash_stage2 *s2, ash_pa_t pa);

/** One half of a break-before-make: walks the tables, publishes what it stores. */
typedef void ash_stage2_half_(struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table);

/** Break-before-make of all that @job changes, with one invalidation (DDI 0487 D8.13.1 "Using break-before-make when
 *  updating translation table entries"): @take_away makes descriptors invalid and says so in job->changed and
 *  job->unlinked; the TLBs forget [lo, hi) and that is waited for; @make puts the new ones there, or frees what was
 *  unlinked. */
void ash_stage2_break_before_make_(struct ash_stage2_job_ *job, ash_stage2_half_ *take_away,
                                   ash_stage2_half_ *make);

/** The block at entry @index becomes a table of smaller ones, which carry the Contiguous hint but where [lo, hi) begins
 *  or ends inside a group. Uses a spare. */
void ash_stage2_split_(struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table, unsigned index);
/** How many tables splitting the leaf of @level at @ipa down to [lo, hi)'s edges takes. */
unsigned ash_stage2_split_cost_(uint64_t ipa, unsigned level, uint64_t lo, uint64_t hi);

/** If entry @index belongs to a contiguous group that [lo, hi) covers in part: rewrite the group without the hint. */
void ash_stage2_ungroup_(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table,
                         unsigned index);
/** May the GROUP_ entries from @index on, a multiple of GROUP_, which map @pa and what follows it, carry the hint while
 *  this job goes on? Not if [lo, hi) cuts them: a part is going to differ. */
bool ash_stage2_may_group_(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table,
                           unsigned index, uint64_t pa);
/** Do the GROUP_ entries from @index on differ in nothing but consecutive addresses? The bits of @ignore apart. */
bool ash_stage2_lines_up_(const struct ash_stage2_table_ *table, unsigned index, uint64_t ignore);
/** Groups of @table that [lo, hi) touches and that qualify by now get the hint, each by break-before-make. */
void ash_stage2_regroup_(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table);

/** [lo, hi) of the table below entry @index is as @job wants it. If all of it maps one block now, put the block in its
 *  place, else look after its groups. */
void ash_stage2_coalesce_(const struct ash_stage2_job_ *job, const struct ash_stage2_table_ *table,
                          unsigned index);

#endif
