/* SPDX-License-Identifier: BSD-2-Clause */
#include <libstage2/el2.h>

#define DSB(scope) __asm__ volatile("dsb " #scope : : : "memory")
#define ISB()      __asm__ volatile("isb" : : : "memory")
#define TLBI(what) __asm__ volatile("tlbi " #what : : : "memory")

/** What a TLBI by IPA or by VMID takes its VMID from: VTTBR_EL2.VMID, as many bits of it as VTCR_EL2.VS says. */
struct context {
    uint64_t vttbr;
    uint64_t vtcr;
};

static struct context read_context(void)
{
    struct context context;

    __asm__ volatile("mrs %0, vttbr_el2" : "=r"(context.vttbr));
    __asm__ volatile("mrs %0, vtcr_el2" : "=r"(context.vtcr));
    return context;
}

static void write_context(struct context context)
{
    __asm__ volatile("msr vtcr_el2, %0" : : "r"(context.vtcr) : "memory");
    __asm__ volatile("msr vttbr_el2, %0" : : "r"(context.vttbr) : "memory");
}

void ash_stage2_el2_publish(void *ctx, const uint64_t *first, size_t count)
{
    (void)ctx;
    (void)first;
    (void)count;
    /* A walker observes a store to the tables only after a DSB of the CPU that stored (D8.2 "Ordering of memory
     * accesses from translation table walks", R_SPVBD). */
    DSB(ishst);
}

/** By IPA: IPAS2E1IS takes the IPA's bits [47:12]; it removes stage-2 entries alone (D8.13). */
static void invalidate_pages(const struct ash_stage2_invalidation *what)
{
    for (uint64_t at = 0; at < what->size; at += ASH_STAGE2_PAGE_SIZE) {
        uint64_t page = (what->ipa.value + at) >> 12;

        if (what->leaf_only) {
            __asm__ volatile("tlbi ipas2le1is, %0" : : "r"(page) : "memory");
        } else {
            __asm__ volatile("tlbi ipas2e1is, %0" : : "r"(page) : "memory");
        }
    }
}

void ash_stage2_el2_invalidate(const struct ash_stage2 *s2, const struct ash_stage2_invalidation *what)
{
    const struct context loaded = read_context();
    const struct context wanted = {.vttbr = ash_stage2_vttbr(s2), .vtcr = ash_stage2_vtcr(s2)};
    bool is_other = loaded.vttbr != wanted.vttbr || loaded.vtcr != wanted.vtcr;

    /* The invalid descriptors are seen by all walkers before the TLBs forget the old ones, or they would be fetched
     * again (D8.13.1). And walks that EL1 began before it came here, and that may still go on, are complete before the
     * registers that they use change (D8.1.5 "Out-of-context translation regimes", R_LFHQG). */
    DSB(ish);
    if (is_other) {
        write_context(wanted);
        ISB(); /* the TLBI takes its VMID from here (D17.1.2 "Synchronization requirements") */
    }
    if (what->all || what->size / ASH_STAGE2_PAGE_SIZE > ASH_STAGE2_EL2_PAGES_MAX) {
        TLBI(vmalls12e1is);
    } else {
        invalidate_pages(what);
        /* Complete before the next, which removes entries that combine both stages: IPAS2E1IS need not touch them, and
         * they might be made again out of stage-2 entries that are still there (D8.13 "TLB maintenance", R_TVTYQ). */
        DSB(ish);
        TLBI(vmalle1is);
    }
    DSB(ish); /* complete on all CPUs */
    if (is_other) {
        write_context(loaded);
    }
    ISB(); /* and for what this CPU does next: a DSB does not wait for its own instruction fetches */
}

void ash_stage2_el2_invalidate_everything(void)
{
    DSB(ishst); /* walks after this see the tables as they are now (R_SPVBD) */
    TLBI(alle1is);
    /* A VIPT or VMID-tagged instruction cache may hold lines under a number that gets a new owner (D7.5.11). */
    __asm__ volatile("ic ialluis" : : : "memory");
    DSB(ish);
    ISB();
}
