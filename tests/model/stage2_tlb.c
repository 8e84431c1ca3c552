/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage2_tlb.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES MEMORY_ENTRIES
#define GROUP   16U
/* No descriptor looks so (RES0 bits, invalid): "not published since the page was handed out". */
#define NEVER_PUBLISHED UINT64_C(0xDEADDEADDEADDEA0)

const char *tlb_violation_name(enum tlb_violation violation)
{
    static const char *const names[TLB_VIOLATIONS] = {
        [TLB_STALE_LEAF] = "missing invalidation: a cached leaf outlives its change",
        [TLB_STALE_TABLE] = "missing invalidation: a cached table descriptor outlives its change",
        [TLB_BBM_OUTPUT] = "no break-before-make: output address or memory type",
        [TLB_BBM_SIZE] = "no break-before-make: size",
        [TLB_BBM_CONTIGUOUS] = "no break-before-make: Contiguous hint",
        [TLB_BBM_BLOCK_TO_TABLE] = "no break-before-make: block to table",
        [TLB_BBM_TABLE_TO_BLOCK] = "no break-before-make: table to block",
        [TLB_BBM_TABLE_REPLACED] = "no break-before-make: table replaced",
        [TLB_LINK_BEFORE_PUBLISH] = "a table was linked before its contents were published",
        [TLB_UNPUBLISHED] = "a store was never published",
        [TLB_FREED_LINKED] = "a reachable table page was freed",
        [TLB_FREED_CACHED] = "a table page was freed that a walk cache still names",
        [TLB_BAD_TABLE] = "a table descriptor names a dead or a shared page",
        [TLB_BAD_OPERATION] = "an operation was called against its contract",
    };

    return names[violation];
}

void tlb_report(struct stage2_tlb *tlb, enum tlb_violation violation, uint64_t ipa)
{
    if (tlb->violations++ == 0U) {
        snprintf(tlb->message, sizeof(tlb->message), "%s (IPA 0x%llx)", tlb_violation_name(violation),
                 (unsigned long long)ipa);
    }
    tlb->violation[violation]++;
}

void tlb_init(struct stage2_tlb *tlb, struct stage2_memory *memory)
{
    memset(tlb, 0, sizeof(*tlb));
    tlb->memory = memory;
    tlb->seen = calloc(MEMORY_PAGES, sizeof(*tlb->seen));
    tlb->published = calloc(MEMORY_PAGES, sizeof(*tlb->published));
    assert(tlb->seen != NULL && tlb->published != NULL);
}

void tlb_fini(struct stage2_tlb *tlb)
{
    free(tlb->seen);
    free(tlb->published);
    free(tlb->stale);
    free(tlb->changes);
    memset(tlb, 0, sizeof(*tlb));
}

/* ---- What is cached and differs from memory -------------------------------------------------------------- */

static struct tlb_entry *new_entry(struct stage2_tlb *tlb)
{
    if (tlb->stale_count == tlb->stale_room) {
        tlb->stale_room = tlb->stale_room * 2U + 1024U;
        tlb->stale = realloc(tlb->stale, tlb->stale_room * sizeof(*tlb->stale));
        assert(tlb->stale != NULL);
    }
    tlb->entries++;
    return &tlb->stale[tlb->stale_count++];
}

static uint64_t slot_ipa(const struct stage2_tlb *tlb, uint32_t page, unsigned slot)
{
    return tlb->page[page].ipa + slot * s2_span(tlb->page[page].level);
}

static bool has_group(const struct stage2_tlb *tlb, uint32_t page, uint64_t ipa, uint64_t base_descriptor)
{
    for (size_t i = tlb->stale_count; i > 0U; i--) {
        const struct tlb_entry *entry = &tlb->stale[i - 1U];

        if (entry->group && entry->page == page && entry->ipa == ipa &&
            entry->descriptor == base_descriptor) {
            return true;
        }
    }
    return false;
}

/* The group's entry as the hardware would fill it from any of its members: that of member 0. */
static void add_group(struct stage2_tlb *tlb, uint32_t page, unsigned slot, uint64_t descriptor)
{
    unsigned level = tlb->page[page].level;
    unsigned first = slot & ~(GROUP - 1U);
    uint64_t base = descriptor - (slot - first) * s2_span(level);
    uint64_t ipa = slot_ipa(tlb, page, first);

    if (!has_group(tlb, page, ipa, base)) {
        *new_entry(tlb) = (struct tlb_entry){.ipa = ipa,
                                             .size = GROUP * s2_span(level),
                                             .descriptor = base,
                                             .page = page,
                                             .slot = (uint16_t)first,
                                             .level = (uint8_t)level,
                                             .group = true,
                                             .stage2 = true,
                                             .combined = true};
    }
}

static void add_stale(struct stage2_tlb *tlb, uint32_t page, unsigned slot, uint64_t descriptor)
{
    unsigned level = tlb->page[page].level;
    enum s2_kind kind = s2_kind(descriptor, level);

    if (kind == S2_INVALID) { /* entries that fault are not cached: D8.13 */
        return;
    }
    *new_entry(tlb) = (struct tlb_entry){.ipa = slot_ipa(tlb, page, slot),
                                         .size = s2_span(level),
                                         .descriptor = descriptor,
                                         .page = page,
                                         .slot = (uint16_t)slot,
                                         .level = (uint8_t)level,
                                         .table = kind == S2_TABLE,
                                         .stage2 = true,
                                         .combined = kind == S2_LEAF};
    if (kind == S2_TABLE) {
        uint32_t child = memory_index(tlb->memory, s2_address(descriptor, level));

        if (child != MEMORY_NONE) {
            tlb->page[child].cached++;
        }
    } else if (s2_is_contiguous(descriptor)) {
        add_group(tlb, page, slot, descriptor);
    }
}

static bool is_observable(const struct stage2_tlb *tlb, uint32_t page)
{
    return tlb->page[page].known && (tlb->page[page].linked || tlb->page[page].cached != 0U);
}

/* ---- What may be fetched anew: conflicts with what is cached --------------------------------------------- */

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

/* D8.13.1: what may not change from one valid leaf to another. Permissions may. FEAT_BBM level 0. */
static void check_leaf_pair(struct stage2_tlb *tlb, const struct tlb_entry *old, unsigned level, uint64_t ipa,
                            uint64_t descriptor)
{
    if (old->level != level) {
        tlb_report(tlb, TLB_BBM_SIZE, ipa);
    } else if (s2_is_contiguous(old->descriptor) != s2_is_contiguous(descriptor)) {
        tlb_report(tlb, TLB_BBM_CONTIGUOUS, ipa);
    } else if (s2_address(old->descriptor, level) - old->ipa != s2_address(descriptor, level) - ipa ||
               s2_memory_bits(old->descriptor) != s2_memory_bits(descriptor)) {
        tlb_report(tlb, TLB_BBM_OUTPUT, ipa);
    }
}

static void check_leaf(struct stage2_tlb *tlb, uint32_t page, unsigned slot, uint64_t descriptor)
{
    unsigned level = tlb->page[page].level;
    uint64_t own = slot_ipa(tlb, page, slot);
    uint64_t ipa = own;
    uint64_t size = s2_span(level);

    if (s2_is_contiguous(descriptor)) {
        unsigned first = slot & ~(GROUP - 1U);

        ipa = slot_ipa(tlb, page, first);
        size *= GROUP;
        for (unsigned i = first; i < first + GROUP; i++) {
            uint64_t other = tlb->memory->page[page][i];

            if (s2_kind(other, level) != S2_INVALID && !s2_is_contiguous(other)) {
                tlb_report(tlb, TLB_BBM_CONTIGUOUS, own);
            }
        }
    }
    for (size_t i = 0; i < tlb->stale_count; i++) {
        const struct tlb_entry *old = &tlb->stale[i];

        if (!overlap(old->ipa, old->size, ipa, size)) {
            continue;
        }
        if (!old->table) {
            check_leaf_pair(tlb, old, level, own, descriptor);
        } else if (old->level >= level) {
            tlb_report(tlb, TLB_BBM_TABLE_TO_BLOCK, own);
        }
    }
}

static void check_table(struct stage2_tlb *tlb, uint32_t page, unsigned slot, uint64_t descriptor)
{
    unsigned level = tlb->page[page].level;
    uint64_t ipa = slot_ipa(tlb, page, slot);

    for (size_t i = 0; i < tlb->stale_count; i++) {
        const struct tlb_entry *old = &tlb->stale[i];

        if (!overlap(old->ipa, old->size, ipa, s2_span(level)) || old->level > level) {
            continue;
        }
        if (!old->table) {
            tlb_report(tlb, TLB_BBM_BLOCK_TO_TABLE, ipa);
        } else if (old->level == level && old->descriptor != descriptor) {
            tlb_report(tlb, TLB_BBM_TABLE_REPLACED, ipa);
        }
    }
}

static void admit(struct stage2_tlb *tlb, uint32_t page, unsigned slot, uint64_t descriptor);

/* A walk reaches table page @child from now on. A walker may see the link before stores to the table that were
 * not published before it. */
static void link_page(struct stage2_tlb *tlb, uint32_t child, unsigned level, uint64_t ipa)
{
    struct tlb_page *page = &tlb->page[child];

    if (page->known && (page->linked || page->level != level || page->ipa != ipa) &&
        is_observable(tlb, child)) {
        tlb_report(tlb, TLB_BAD_TABLE, ipa);
        return;
    }
    page->known = true;
    page->linked = true;
    page->level = level;
    page->ipa = ipa;
    if (memcmp(tlb->published[child], tlb->memory->page[child], sizeof(tlb->published[child])) != 0) {
        tlb_report(tlb, TLB_LINK_BEFORE_PUBLISH, ipa);
    }
    memcpy(tlb->seen[child], tlb->memory->page[child], sizeof(tlb->seen[child]));
    for (unsigned i = 0; i < ENTRIES; i++) {
        admit(tlb, child, i, tlb->seen[child][i]);
    }
}

/* A descriptor that walks reach became valid. */
static void admit(struct stage2_tlb *tlb, uint32_t page, unsigned slot, uint64_t descriptor)
{
    unsigned level = tlb->page[page].level;
    uint32_t child;

    switch (s2_kind(descriptor, level)) {
    case S2_LEAF:
        check_leaf(tlb, page, slot, descriptor);
        break;
    case S2_TABLE:
        check_table(tlb, page, slot, descriptor);
        child = memory_index(tlb->memory, s2_address(descriptor, level));
        if (child == MEMORY_NONE) {
            tlb_report(tlb, TLB_BAD_TABLE, slot_ipa(tlb, page, slot));
        } else {
            link_page(tlb, child, level + 1U, slot_ipa(tlb, page, slot));
        }
        break;
    case S2_INVALID:
    default:
        break;
    }
}

/* ---- Observing memory ------------------------------------------------------------------------------------ */

/* No walk from VTTBR_EL2 reaches @page any more; all that it held may be cached. */
static void unlink_page(struct stage2_tlb *tlb, uint32_t page)
{
    if (page == MEMORY_NONE || !tlb->page[page].linked) {
        return;
    }
    tlb->page[page].linked = false;
    for (unsigned i = 0; i < ENTRIES; i++) {
        uint64_t descriptor = tlb->seen[page][i];

        if (s2_kind(descriptor, tlb->page[page].level) == S2_TABLE) {
            unlink_page(tlb, memory_index(tlb->memory, s2_address(descriptor, tlb->page[page].level)));
        }
        add_stale(tlb, page, i, descriptor);
    }
}

static void note_change(struct stage2_tlb *tlb, uint32_t page, unsigned slot, uint64_t descriptor)
{
    if (tlb->change_count == tlb->change_room) {
        tlb->change_room = tlb->change_room * 2U + 1024U;
        tlb->changes = realloc(tlb->changes, tlb->change_room * sizeof(*tlb->changes));
        assert(tlb->changes != NULL);
    }
    tlb->changes[tlb->change_count++] =
        (struct tlb_change){.descriptor = descriptor, .page = page, .slot = (uint16_t)slot};
}

/* What was valid and is not there any more becomes stale; what is there now is noted. Tables that lost their link
 * are unlinked when all changes are known, so that nothing becomes stale twice. */
static void collect_changes(struct stage2_tlb *tlb)
{
    tlb->change_count = 0;
    for (uint32_t page = 0; page < MEMORY_PAGES; page++) {
        const uint64_t *now = tlb->memory->page[page];
        uint64_t *before = tlb->seen[page];

        if (!tlb->memory->live[page] || !is_observable(tlb, page) ||
            memcmp(before, now, sizeof(tlb->seen[page])) == 0) {
            continue;
        }
        for (unsigned slot = 0; slot < ENTRIES; slot++) {
            if (before[slot] != now[slot]) {
                note_change(tlb, page, slot, before[slot]);
                before[slot] = 0;
            }
        }
    }
}

static void retire_changes(struct stage2_tlb *tlb)
{
    for (size_t i = 0; i < tlb->change_count; i++) {
        struct tlb_change *change = &tlb->changes[i];
        unsigned level = tlb->page[change->page].level;

        if (tlb->page[change->page].linked) {
            add_stale(tlb, change->page, change->slot, change->descriptor);
        }
        change->descriptor =
            s2_kind(change->descriptor, level) == S2_TABLE ? s2_address(change->descriptor, level) : 0U;
    }
    for (size_t i = 0; i < tlb->change_count; i++) {
        if (tlb->changes[i].descriptor != 0U && tlb->page[tlb->changes[i].page].linked) {
            unlink_page(tlb, memory_index(tlb->memory, tlb->changes[i].descriptor));
        }
    }
}

void tlb_observe(struct stage2_tlb *tlb)
{
    tlb->observations++;
    collect_changes(tlb);
    retire_changes(tlb);
    for (size_t i = 0; i < tlb->change_count; i++) {
        uint32_t page = tlb->changes[i].page;
        unsigned slot = tlb->changes[i].slot;
        uint64_t now = tlb->memory->page[page][slot];

        tlb->seen[page][slot] = now;
        if (tlb->page[page].linked) {
            admit(tlb, page, slot, now);
        } else if (is_observable(tlb, page)) {
            add_stale(tlb, page, slot, now);
        }
    }
}

void tlb_publish(struct stage2_tlb *tlb, const uint64_t *first, size_t count)
{
    const uint64_t *memory = tlb->memory->page[0];
    size_t at = ((uintptr_t)first - (uintptr_t)memory) / sizeof(*first);

    tlb_observe(tlb);
    if ((uintptr_t)first < (uintptr_t)memory || count == 0U || at + count > (size_t)MEMORY_PAGES * ENTRIES) {
        tlb_report(tlb, TLB_BAD_OPERATION, 0);
        return;
    }
    for (size_t i = at; i < at + count; i++) {
        if (!tlb->memory->live[i / ENTRIES]) {
            tlb_report(tlb, TLB_BAD_OPERATION, 0);
            return;
        }
        tlb->published[i / ENTRIES][i % ENTRIES] = tlb->memory->page[i / ENTRIES][i % ENTRIES];
    }
}

/* ---- Maintenance ----------------------------------------------------------------------------------------- */

static bool slot_may_give(const struct stage2_tlb *tlb, uint32_t page, unsigned slot, uint64_t descriptor)
{
    /* Not published: the old value may be read still. Off the tree: it stays in the table, and is read from there. */
    return tlb->published[page][slot] == descriptor ||
           (!tlb->page[page].linked && tlb->memory->page[page][slot] == descriptor);
}

/* Would a CPU fetch the entry again after it was removed? Then removing it achieves nothing. */
static bool is_refetchable(const struct stage2_tlb *tlb, const struct tlb_entry *entry)
{
    uint32_t page = entry->page;

    if (page == MEMORY_NONE || !is_observable(tlb, page)) {
        return false;
    }
    if (!entry->group) {
        return slot_may_give(tlb, page, entry->slot, entry->descriptor);
    }
    for (unsigned i = 0; i < GROUP; i++) {
        uint64_t member = entry->descriptor + i * s2_span(entry->level);

        if (slot_may_give(tlb, page, entry->slot + i, member) ||
            tlb->memory->page[page][entry->slot + i] == member) {
            return true; /* one member with the hint fills the whole group again */
        }
    }
    return false;
}

static void forget_table(struct stage2_tlb *tlb, const struct tlb_entry *entry)
{
    uint32_t child = memory_index(tlb->memory, s2_address(entry->descriptor, entry->level));

    if (child != MEMORY_NONE && tlb->page[child].cached != 0U) {
        tlb->page[child].cached--;
    }
}

static void sweep(struct stage2_tlb *tlb)
{
    size_t kept = 0;

    for (size_t i = 0; i < tlb->stale_count; i++) {
        if (tlb->stale[i].stage2 || tlb->stale[i].combined) {
            tlb->stale[kept++] = tlb->stale[i];
        }
    }
    tlb->stale_count = kept;
}

/* Stage-2 and walk-cache entries. From the root down, so that a table whose walk-cache entry is gone gives no
 * entries any more. */
static void drop_stage2(struct stage2_tlb *tlb, uint64_t ipa, uint64_t size, bool everything, bool leaf_only)
{
    for (unsigned level = 0; level < 4U; level++) {
        for (size_t i = 0; i < tlb->stale_count; i++) {
            struct tlb_entry *entry = &tlb->stale[i];

            if (entry->level != level || !entry->stage2 || (entry->table && leaf_only) ||
                (!everything && !overlap(entry->ipa, entry->size, ipa, size)) || is_refetchable(tlb, entry)) {
                continue;
            }
            entry->stage2 = false;
            if (entry->table) {
                forget_table(tlb, entry);
            }
        }
    }
}

static bool vmid_is_ours(struct stage2_tlb *tlb, uint16_t vmid)
{
    tlb_observe(tlb);
    if (vmid != tlb->vmid) {
        tlb_report(tlb, TLB_BAD_OPERATION, 0);
    }
    return vmid == tlb->vmid;
}

void tlb_invalidate_ipa(struct stage2_tlb *tlb, uint16_t vmid, uint64_t ipa, uint64_t size, bool leaf_only)
{
    if (vmid_is_ours(tlb, vmid)) {
        drop_stage2(tlb, ipa, size, false, leaf_only);
        sweep(tlb);
    }
}

static void drop_combined(struct stage2_tlb *tlb)
{
    for (size_t i = 0; i < tlb->stale_count; i++) {
        /* From a stage-2 entry that is still there, a combined one is made again at once. */
        tlb->stale[i].combined = tlb->stale[i].combined && tlb->stale[i].stage2;
    }
}

void tlb_invalidate_stage1(struct stage2_tlb *tlb, uint16_t vmid)
{
    if (vmid_is_ours(tlb, vmid)) {
        drop_combined(tlb);
        sweep(tlb);
    }
}

void tlb_invalidate_all(struct stage2_tlb *tlb, uint16_t vmid)
{
    if (vmid_is_ours(tlb, vmid)) {
        drop_stage2(tlb, 0, 0, true, false);
        drop_combined(tlb);
        sweep(tlb);
    }
}

/* ---- Life of tables and regimes -------------------------------------------------------------------------- */

void tlb_load(struct stage2_tlb *tlb, const struct s2_regime *regime)
{
    uint32_t root = memory_index(tlb->memory, regime->root);

    tlb->regime = *regime;
    tlb->vmid = regime->vmid;
    tlb->loaded = true;
    if (root == MEMORY_NONE || tlb->memory->run[root] != regime->root_pages) {
        tlb_report(tlb, TLB_BAD_TABLE, 0);
        return;
    }
    for (uint32_t i = 0; i < regime->root_pages; i++) {
        link_page(tlb, root + i, regime->start_level, i * ENTRIES * s2_span(regime->start_level));
    }
}

void tlb_unload(struct stage2_tlb *tlb)
{
    uint32_t root = memory_index(tlb->memory, tlb->regime.root);

    tlb_observe(tlb);
    for (uint32_t i = 0; i < tlb->regime.root_pages; i++) {
        unlink_page(tlb, root + i);
    }
    tlb->loaded = false;
}

void tlb_set_vmid(struct stage2_tlb *tlb, uint16_t vmid)
{
    tlb_observe(tlb);
    tlb->vmid = vmid;
}

void tlb_page_allocated(struct stage2_tlb *tlb, uint32_t index)
{
    memset(&tlb->page[index], 0, sizeof(tlb->page[index]));
    for (unsigned i = 0; i < ENTRIES; i++) {
        tlb->published[index][i] = NEVER_PUBLISHED;
    }
}

void tlb_page_freed(struct stage2_tlb *tlb, uint32_t index)
{
    tlb_observe(tlb);
    if (tlb->page[index].linked) {
        tlb_report(tlb, TLB_FREED_LINKED, tlb->page[index].ipa);
    } else if (tlb->page[index].cached != 0U) {
        tlb_report(tlb, TLB_FREED_CACHED, tlb->page[index].ipa);
    }
    memset(&tlb->page[index], 0, sizeof(tlb->page[index]));
    for (size_t i = 0; i < tlb->stale_count; i++) {
        if (tlb->stale[i].page == index) {
            tlb->stale[i].page = MEMORY_NONE;
        }
    }
}

static void settle_entry(struct stage2_tlb *tlb, const struct tlb_entry *entry,
                         bool (*agrees)(void *ctx, uint64_t ipa, uint64_t size, uint64_t descriptor,
                                        unsigned level),
                         void *ctx)
{
    if (!entry->table) {
        if (!agrees(ctx, entry->ipa, entry->size, entry->descriptor, entry->level)) {
            tlb_report(tlb, TLB_STALE_LEAF, entry->ipa);
        }
        return;
    }
    forget_table(tlb, entry);
    if (entry->page == MEMORY_NONE || !tlb->page[entry->page].linked ||
        tlb->memory->page[entry->page][entry->slot] != entry->descriptor) {
        tlb_report(tlb, TLB_STALE_TABLE, entry->ipa);
    }
}

void tlb_settle(struct stage2_tlb *tlb,
                bool (*agrees)(void *ctx, uint64_t ipa, uint64_t size, uint64_t descriptor, unsigned level),
                void *ctx)
{
    tlb_observe(tlb);
    for (size_t i = 0; i < tlb->stale_count; i++) {
        settle_entry(tlb, &tlb->stale[i], agrees, ctx);
    }
    tlb->stale_count = 0;
    for (uint32_t page = 0; page < MEMORY_PAGES; page++) {
        if (tlb->page[page].linked &&
            memcmp(tlb->published[page], tlb->memory->page[page], sizeof(tlb->published[page])) != 0) {
            tlb_report(tlb, TLB_UNPUBLISHED, tlb->page[page].ipa);
        }
    }
}
