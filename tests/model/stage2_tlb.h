/* SPDX-License-Identifier: BSD-2-Clause */
/** A shadow TLB: everything that any CPU may hold.
 *
 *  An architectural TLB may hold any entry that a walk could have fetched since the last invalidation that covers
 *  it. Instead of some CPUs that hold some of these by chance, this is the union over all CPUs: each descriptor
 *  that a walker could reach at any moment counts as cached, in all forms that it can take:
 *    - stage-2 entries (by IPA), a contiguous entry also as one for its whole group of 16;
 *    - combined stage-1+2 entries, which only stage-1 maintenance removes, and which are made again as long as the
 *      stage-2 entry is there;
 *    - walk-cache entries: table descriptors, from which a walk goes on into the table they name.
 *  So no violation depends on luck, and N CPUs can hold nothing that this does not hold.
 *
 *  The tables' memory is observed at each HAL operation and at the end of each call. A store is visible to walkers
 *  from then on, but counts as certainly visible only once it was published.
 *
 *  Arm ARM DDI 0487 D8.12 "Caching of address translations", D8.13 "TLB maintenance", D8.13.1 "Using
 *  break-before-make when updating translation table entries", B2.7 on ordering of walks.
 */
#ifndef MODEL_STAGE2_TLB_H
#define MODEL_STAGE2_TLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stage2_memory.h"
#include "stage2_walker.h"

enum tlb_violation {
    TLB_STALE_LEAF,          /* at the end of a call a cached leaf disagrees with what the table means */
    TLB_STALE_TABLE,         /* at the end of a call a cached table descriptor is no longer in the table */
    TLB_BBM_OUTPUT,          /* new valid leaf while one with another address or memory type is cached */
    TLB_BBM_SIZE,            /* new valid leaf while one of another size is cached */
    TLB_BBM_CONTIGUOUS,      /* Contiguous hint changed while the other form is cached or still valid */
    TLB_BBM_BLOCK_TO_TABLE,  /* new table descriptor while a block is cached */
    TLB_BBM_TABLE_TO_BLOCK,  /* new leaf while a table descriptor is cached */
    TLB_BBM_TABLE_REPLACED,  /* new table descriptor while another one is cached */
    TLB_LINK_BEFORE_PUBLISH, /* a table was linked before all its descriptors were published */
    TLB_UNPUBLISHED,         /* at the end of a call a store was never published */
    TLB_FREED_LINKED,        /* a table page was freed that a walk reaches */
    TLB_FREED_CACHED,        /* a table page was freed that a walk cache still names */
    TLB_BAD_TABLE,           /* a table descriptor names no live page, or a page that serves elsewhere */
    TLB_BAD_OPERATION,       /* an operation was called against its contract */
    TLB_VIOLATIONS
};

struct tlb_entry {
    uint64_t ipa, size, descriptor;
    uint32_t page; /* where it was fetched from; MEMORY_NONE once that was freed */
    uint16_t slot;
    uint8_t level;
    bool table, group;
    bool stage2, combined; /* in which kinds of TLB */
};

struct tlb_page {
    uint64_t ipa;
    unsigned level;
    unsigned cached; /* walk-cache entries that name it and differ from memory */
    bool known;      /* level and ipa are */
    bool linked;     /* a walk from VTTBR_EL2 reaches it */
};

struct tlb_change {
    uint64_t descriptor;
    uint32_t page;
    uint16_t slot;
};

struct stage2_tlb {
    struct stage2_memory *memory;
    struct s2_regime regime;
    uint16_t vmid;
    bool loaded;
    uint64_t (*seen)[MEMORY_ENTRIES];      /* memory when it was last observed */
    uint64_t (*published)[MEMORY_ENTRIES]; /* what is certainly visible */
    struct tlb_page page[MEMORY_PAGES];
    struct tlb_entry *stale; /* cached, and differing from memory */
    size_t stale_count, stale_room;
    struct tlb_change *changes;
    size_t change_count, change_room;
    unsigned violation[TLB_VIOLATIONS];
    unsigned violations;
    char message[200];              /* the first violation in words */
    uint64_t observations, entries; /* what was done, for the report */
};

void tlb_init(struct stage2_tlb *tlb, struct stage2_memory *memory);
void tlb_fini(struct stage2_tlb *tlb);
const char *tlb_violation_name(enum tlb_violation violation);

/** CPUs run under this regime from now on; or none does any more (what is cached stays). */
void tlb_load(struct stage2_tlb *tlb, const struct s2_regime *regime);
void tlb_unload(struct stage2_tlb *tlb);

/** Another VMID, whose TLB entries are all gone (a VMID is given out so). */
void tlb_set_vmid(struct stage2_tlb *tlb, uint16_t vmid);

/** Look at memory now. */
void tlb_observe(struct stage2_tlb *tlb);

/** DSB ISHST after stores to [first, first+count), coherent walkers. */
void tlb_publish(struct stage2_tlb *tlb, const uint64_t *first, size_t count);

/** TLBI IPAS2E1IS, or IPAS2LE1IS with @leaf_only, for each page; DSB ISH. */
void tlb_invalidate_ipa(struct stage2_tlb *tlb, uint16_t vmid, uint64_t ipa, uint64_t size, bool leaf_only);
/** TLBI VMALLE1IS; DSB ISH. */
void tlb_invalidate_stage1(struct stage2_tlb *tlb, uint16_t vmid);
/** TLBI VMALLS12E1IS; DSB ISH. */
void tlb_invalidate_all(struct stage2_tlb *tlb, uint16_t vmid);

void tlb_page_allocated(struct stage2_tlb *tlb, uint32_t index);
void tlb_page_freed(struct stage2_tlb *tlb, uint32_t index);

/** A call of the library is over: whatever is still cached must agree with @agrees (a page map). */
void tlb_settle(struct stage2_tlb *tlb,
                bool (*agrees)(void *ctx, uint64_t ipa, uint64_t size, uint64_t descriptor, unsigned level),
                void *ctx);

void tlb_report(struct stage2_tlb *tlb, enum tlb_violation violation, uint64_t ipa);

#endif
