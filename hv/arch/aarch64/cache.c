/* SPDX-License-Identifier: BSD-2-Clause */
/* Cache maintenance by VA, one helper per rule. Always clean+invalidate, never clean alone: Cortex-A53 819472 and its
 * siblings, see errata.c. */
#include "arch/arch.h"

#include <libbase/bits.h>

#include "arch/aarch64/cache.h"
#include "arch/aarch64/sysreg.h"

#define FOUR_TIMES(x) x x x x

static uint64_t data_line_size(void)
{
    /* CTR_EL0.DminLine: log2 of words. */
    return UINT64_C(4) << ash_field(hv_sysreg_read(ctr_el0), 19, 16);
}

void hv_cache_clean_invalidate(const void *from, size_t size)
{
    uint64_t line = data_line_size();
    uint64_t end = (uint64_t)(uintptr_t)from + size;
    uint64_t at = ash_align_down((uint64_t)(uintptr_t)from, line);

    while (at < end && end - at >= 16U * line) {
        __asm__ volatile(FOUR_TIMES(FOUR_TIMES("dc civac, %0\n\tadd %0, %0, %1\n\t"))
                         : "+r"(at)
                         : "r"(line)
                         : "memory");
    }
    for (; at < end; at += line) {
        __asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
    }
    /* Complete for every observer, caches off included, before what follows (DDI 0487 D7.5.9). */
    hv_dsb(sy);
}

/** All instruction caches: a PIPT one may hold lines of the page's last owner, a VIPT one under any VMID (D7.5.11:
 *  after the data is at PoC, IC IALLUIS; DSB ISH; ISB). */
void hv_arch_publish_instructions(void)
{
    __asm__ volatile("ic ialluis" : : : "memory");
    hv_dsb(ish);
    hv_isb();
}

void hv_arch_publish_to_guest(const void *from, size_t size)
{
    hv_cache_clean_invalidate(from, size);
    hv_arch_publish_instructions();
}

void hv_arch_publish_data(const void *from, size_t size)
{
    hv_cache_clean_invalidate(from, size);
}

#define ZERO           "dc zva, %0\n\tadd %0, %0, %1\n\t"
#define ZERO_AND_CLEAN "dc zva, %0\n\tdc civac, %0\n\tadd %0, %0, %1\n\t"

/** Zero and clean+invalidate in one pass: a line leaves the cache while it is there. */
static void zero_published(uint64_t at, uint64_t end, uint64_t block, uint64_t line)
{
    while (block == line && block <= 64U && at < end) { /* 64 of them divide 4 KiB */
        __asm__ volatile(FOUR_TIMES(FOUR_TIMES(FOUR_TIMES(ZERO_AND_CLEAN)))
                         : "+r"(at)
                         : "r"(line)
                         : "memory");
    }
    for (; at < end; at += block) {
        __asm__ volatile("dc zva, %0" : : "r"(at) : "memory");
        for (uint64_t part = at; part < at + block; part += line) {
            __asm__ volatile("dc civac, %0" : : "r"(part) : "memory");
        }
    }
}

void hv_arch_zero_and_publish(void *pages, size_t size)
{
    uint64_t dczid = hv_sysreg_read(dczid_el0);
    uint64_t block = UINT64_C(4) << ash_field(dczid, 3, 0);
    uint64_t line = data_line_size();
    uint64_t at = (uint64_t)(uintptr_t)pages;

    if ((dczid & ASH_BIT(4)) != 0U || block > 256U || block < line) {
        hv_arch_zero_pages(pages, size); /* DZP: DC ZVA is prohibited; or sizes that no CPU has */
        hv_cache_clean_invalidate(pages, size);
    } else {
        zero_published(at, at + size, block, line);
        hv_dsb(sy);
    }
}

void hv_arch_zero_pages(void *pages, size_t size)
{
    uint64_t dczid = hv_sysreg_read(dczid_el0);
    uint64_t block = UINT64_C(4) << ash_field(dczid, 3, 0);
    uint64_t at = (uint64_t)(uintptr_t)pages;
    uint64_t end = at + size;

    if ((dczid & ASH_BIT(4)) != 0U || block > 4096U) { /* DZP: DC ZVA is prohibited */
        for (; at < end; at += 8U) {
            *(volatile uint64_t *)(uintptr_t)at = 0;
        }
        return;
    }
    while (block <= 64U && at < end) { /* 64 of them divide 4 KiB */
        __asm__ volatile(FOUR_TIMES(FOUR_TIMES(FOUR_TIMES(ZERO))) : "+r"(at) : "r"(block) : "memory");
    }
    for (; at < end; at += block) {
        __asm__ volatile("dc zva, %0" : : "r"(at) : "memory");
    }
}
