/* SPDX-License-Identifier: BSD-2-Clause */
/** Stage-2 translation tables: built, changed and walked, right by construction.
 *
 *  VMSAv8-64, 4 KiB granule, input size 32..48 bits. The caller owns all memory: tables come from the HAL, the
 *  object is the caller's. The library takes no lock and prints nothing.
 *
 *  Lock domain "the table": one `struct ash_stage2` and the tables below it. Every function that takes a
 *  non-const object wants that lock held; so does ash_stage2_check_fault(), see there. CPUs that *run* on the
 *  table need no lock: break-before-make protects them.
 *
 *  Manual: Arm ARM DDI 0487 (issue in docs/references.md), chapter D8.
 */
#ifndef LIBSTAGE2_STAGE2_H
#define LIBSTAGE2_STAGE2_H

#include <libbase/bits.h>
#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASH_STAGE2_PAGE_SIZE   UINT64_C(0x1000)
#define ASH_STAGE2_BLOCK2_SIZE UINT64_C(0x200000)   /* a level 2 block */
#define ASH_STAGE2_BLOCK1_SIZE UINT64_C(0x40000000) /* a level 1 block */

/** Attributes of a mapping: rights | one memory type.
 *  Rights: READ alone, READ|WRITE, and either with EXEC (EL1 and EL0 alike). WRITE or EXEC without READ is
 *  ASH_EINVAL: S2AP can say write-only, no guest OS expects it. */
#define ASH_STAGE2_READ          UINT32_C(0x01)
#define ASH_STAGE2_WRITE         UINT32_C(0x02)
#define ASH_STAGE2_EXEC          UINT32_C(0x04)
#define ASH_STAGE2_RIGHTS        UINT32_C(0x07)
#define ASH_STAGE2_NORMAL        UINT32_C(0x00) /* Normal, Inner and Outer Write-Back, Inner Shareable */
#define ASH_STAGE2_NORMAL_NC     UINT32_C(0x10) /* Normal, Non-cacheable */
#define ASH_STAGE2_DEVICE        UINT32_C(0x20) /* Device-nGnRE */
#define ASH_STAGE2_DEVICE_NGNRNE UINT32_C(0x30) /* Device-nGnRnE */
#define ASH_STAGE2_TYPE          UINT32_C(0x30)

/** What the TLBs of all CPUs must forget, one job per change of the tables. */
struct ash_stage2_invalidation {
    uint16_t vmid;  /* as given to ash_stage2_set_vmid() */
    bool all;       /* everything of the VMID (ipa and size are then 0) */
    bool leaf_only; /* only leaf entries changed: cached table descriptors may stay */
    ash_ipa_t ipa;  /* multiple of 4 KiB */
    uint64_t size;  /* bytes, multiple of 4 KiB, > 0 unless @all */
};

/** What the library needs from outside. All ops are required. Called with the table's lock held.
 *  No op may call back into the library. */
struct ash_stage2_hal {
    size_t size; /* sizeof(struct ash_stage2_hal) */

    /** Memory for @pages (1, 2, 4, 8 or 16) contiguous 4 KiB pages, aligned to their total size; contents do not
     *  matter. *@pa: where. Returns ASH_OK, or ASH_ENOMEM (passed through by the call that needed it). */
    int (*table_alloc)(void *ctx, unsigned pages, ash_pa_t *pa);

    /** Give back what table_alloc() gave, whole. Only called once no CPU can reach it: after invalidate(). */
    void (*table_free)(void *ctx, ash_pa_t pa, unsigned pages);

    /** Where the CPU reads and writes the table page at @pa, 4 KiB aligned. Pure; the answer stays valid until
     *  table_free(). */
    uint64_t *(*table_at)(void *ctx, ash_pa_t pa);

    /** The descriptors in [first, first+count) were stored: let the table walkers of all CPUs see them before
     *  anything that follows. Coherent walkers: DSB ISHST. Others: clean to PoC first. */
    void (*publish)(void *ctx, const uint64_t *first, size_t count);

    /** Remove from all CPUs' TLBs what @what names, including entries that combine stage 1 and stage 2, and wait
     *  for it. TLBI IPAS2E1IS…; DSB ISH; TLBI VMALLE1IS; DSB ISH; ISB (DDI 0487 D8.13 "TLB maintenance"). */
    void (*invalidate)(void *ctx, const struct ash_stage2_invalidation *what);
};

struct ash_stage2_config {
    size_t size;               /* sizeof(struct ash_stage2_config) */
    uint64_t id_aa64mmfr0_el1; /* PARange, TGran4, TGran4_2: the least of all CPUs that will run it */
    uint64_t id_aa64mmfr1_el1; /* VMIDBits */
    unsigned ipa_bits;         /* 32..48, at most the PA size of the CPU */
    bool contiguous; /* set the Contiguous hint on groups of 16 pages or 2 MiB blocks that qualify */
};

/** One stage-2 table. Allocated by the caller; its fields are private. */
struct ash_stage2 {
    const struct ash_stage2_hal *hal;
    void *ctx;
    ash_pa_t root;
    uint64_t vtcr;
    uint64_t tables; /* table pages in use, roots included */
    uint16_t vmid;
    uint8_t ipa_bits;
    uint8_t pa_bits;
    uint8_t start_level; /* 0..2 */
    uint8_t root_pages;  /* 1, 2, 4, 8 or 16: concatenated */
    bool contiguous;
};

/** One mapping as the hardware sees it: a page, a block, or nothing. */
struct ash_stage2_mapping {
    ash_ipa_t ipa; /* start of the page, block or hole */
    uint64_t size; /* 4 KiB, 2 MiB, 1 GiB; of a hole: what its invalid descriptor covers */
    bool valid;
    bool contiguous; /* carries the Contiguous hint */
    ash_pa_t pa;     /* if valid: what @ipa maps to */
    uint32_t attr;   /* if valid: ASH_STAGE2_* */
    uint8_t level;   /* 0..3 */
};

/** Make an empty table. HAL: table_alloc, table_at, publish.
 *  Returns ASH_OK; ASH_EINVAL (a size field, a missing op, ipa_bits outside 32..48 or above the CPU's PA size);
 *  ASH_ENOTSUP (the CPU has no 4 KiB granule at stage 2); ASH_ENOMEM. DDI 0487 D8.2, VTCR_EL2. */
int ash_stage2_init(struct ash_stage2 *s2, const struct ash_stage2_config *config,
                    const struct ash_stage2_hal *hal, void *ctx) ASH_NODISCARD;

/** Unmap everything, invalidate once, free every table. No CPU may have it loaded any more. The object is then
 *  dead until the next init. */
void ash_stage2_destroy(struct ash_stage2 *s2);

/** The VMID under which TLBs hold entries of this table from now on. Before the first vCPU runs and again
 *  whenever ash_vmid_load() gives another. */
void ash_stage2_set_vmid(struct ash_stage2 *s2, uint16_t vmid);

/** VTTBR_EL2 (VMID in [63:48], root in BADDR, CnP 0) and VTCR_EL2 for this table. Pure. */
uint64_t ash_stage2_vttbr(const struct ash_stage2 *s2);
uint64_t ash_stage2_vtcr(const struct ash_stage2 *s2);

/** Map [ipa, ipa+size) to [pa, pa+size) with @attr, in the largest blocks that both addresses allow; neighbours
 *  are coalesced when a whole table of them has become one block, or a group of 16 one for the Contiguous hint.
 *  Each of these is break-before-make with an invalidation of its own; filling holes needs none.
 *  ipa, pa, size: bytes, multiples of 4 KiB; size > 0, no wrap (else ASH_EINVAL); inside the IPA and PA size
 *  (else ASH_ERANGE).
 *  Overlap: where the identical mapping exists already it stays; a different one is ASH_EEXIST and nothing
 *  changes.
 *  Cost: O(size / block) + new tables. All tables are allocated before the first descriptor changes.
 *  Returns ASH_OK, ASH_EINVAL, ASH_ERANGE, ASH_EEXIST, ASH_ENOMEM. */
int ash_stage2_map(struct ash_stage2 *s2, ash_ipa_t ipa, ash_pa_t pa, uint64_t size,
                   uint32_t attr) ASH_NODISCARD;

/** Unmap [ipa, ipa+size); holes are allowed. A block that is cut is split first (break-before-make), which may
 *  need tables. Tables that become empty are freed. One invalidation for the whole range, before this returns:
 *  afterwards no CPU can reach the memory through this table.
 *  Returns ASH_OK, ASH_EINVAL, ASH_ERANGE, ASH_ENOMEM (nothing has changed). */
int ash_stage2_unmap(struct ash_stage2 *s2, ash_ipa_t ipa, uint64_t size) ASH_NODISCARD;

/** Change the rights and type of what is mapped in [ipa, ipa+size); the addresses stay. Break-before-make with one
 *  invalidation for the whole range, and one for each block that is split or made (see ash_stage2_map()).
 *  Returns ASH_OK, ASH_EINVAL, ASH_ERANGE, ASH_ENOENT (a hole; nothing has changed), ASH_ENOMEM (likewise). */
int ash_stage2_protect(struct ash_stage2 *s2, ash_ipa_t ipa, uint64_t size, uint32_t attr) ASH_NODISCARD;

/** What is at @ipa? ASH_OK (see @mapping->valid) or ASH_ERANGE. */
int ash_stage2_lookup(const struct ash_stage2 *s2, ash_ipa_t ipa,
                      struct ash_stage2_mapping *mapping) ASH_NODISCARD;

/** Call @visit for each valid mapping that touches [ipa, ipa+size), in ascending order, until it returns non-zero.
 *  @visit must not change the table. Returns the last value of @visit, ASH_OK, ASH_EINVAL or ASH_ERANGE. */
int ash_stage2_visit(const struct ash_stage2 *s2, ash_ipa_t ipa, uint64_t size,
                     int (*visit)(void *arg, const struct ash_stage2_mapping *mapping), void *arg);

/** In @access of ash_stage2_check_fault() only: by a walk of the guest's stage-1 tables, where HCR_EL2.PTW is set.
 *  Device memory does not let it through (DDI 0487 D17.2, HCR_EL2.PTW). */
#define ASH_STAGE2_WALK UINT32_C(0x08)

/** Judge a stage-2 fault of a guest: is @ipa mapped by now with every right in @access (ASH_STAGE2_READ,
 *  WRITE, EXEC, WALK)? Another CPU's break-before-make makes guests fault for a moment; the lock being held
 *  here means that the change is complete.
 *  Returns ASH_OK: spurious, resume the guest. ASH_ENOENT: unmapped. ASH_EPERM: mapped without the right.
 *  ASH_ERANGE: beyond the IPA size. */
int ash_stage2_check_fault(const struct ash_stage2 *s2, ash_ipa_t ipa, uint32_t access) ASH_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
