/* SPDX-License-Identifier: BSD-2-Clause */
#include <libstage2/el2.h>

#define DSB(scope) __asm__ volatile("dsb " #scope : : : "memory")
#define ISB()      __asm__ volatile("isb" : : : "memory")
#define TLBI(what) __asm__ volatile("tlbi " #what : : : "memory")

static uint64_t read_vttbr(void)
{
    uint64_t value;

    __asm__ volatile("mrs %0, vttbr_el2" : "=r"(value));
    return value;
}

static void write_vttbr(uint64_t value)
{
    __asm__ volatile("msr vttbr_el2, %0" : : "r"(value) : "memory");
}

void ash_stage2_el2_publish(void *ctx, const uint64_t *first, size_t count)
{
    (void)ctx;
    (void)first;
    (void)count;
    /* Stores to tables are ordered before later walks by any CPU only by a DSB (D8.2.7). */
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
    uint64_t loaded = read_vttbr();
    uint64_t wanted = ash_stage2_vttbr(s2);

    /* The invalid descriptors are seen by all walkers before the TLBs forget the old ones, or they would be fetched
     * again (D8.13.1). */
    DSB(ish);
    if (loaded != wanted) {
        write_vttbr(wanted);
        ISB(); /* the TLBI takes its VMID from here */
    }
    if (what->all || what->size / ASH_STAGE2_PAGE_SIZE > ASH_STAGE2_EL2_PAGES_MAX) {
        TLBI(vmalls12e1is);
    } else {
        invalidate_pages(what);
        /* Complete before the next, which removes entries that combine both stages: they might be made again out of
         * stage-2 entries that are still there (D8.13, "TLBI IPAS2E1"). */
        DSB(ish);
        TLBI(vmalle1is);
    }
    DSB(ish); /* complete on all CPUs */
    if (loaded != wanted) {
        write_vttbr(loaded);
    }
    ISB(); /* and for what this CPU does next */
}

void ash_stage2_el2_invalidate_everything(void)
{
    DSB(ishst);
    TLBI(alle1is);
    /* A VIPT or VMID-tagged instruction cache may hold lines under a number that gets a new owner (D7.5.11). */
    __asm__ volatile("ic ialluis" : : : "memory");
    DSB(ish);
    ISB();
}
