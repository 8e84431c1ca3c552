/* SPDX-License-Identifier: BSD-2-Clause */
/* Cache maintenance by VA, one helper per rule. Always clean+invalidate, never clean alone: Cortex-A53 819472 and its
 * siblings, see errata.c. */
#include "arch/arch.h"

#include <libbase/bits.h>

#include "arch/aarch64/cache.h"
#include "arch/aarch64/sysreg.h"

static uint64_t data_line_size(void)
{
    /* CTR_EL0.DminLine: log2 of words. */
    return UINT64_C(4) << ash_field(hv_sysreg_read(ctr_el0), 19, 16);
}

void hv_cache_clean_invalidate(const void *from, size_t size)
{
    uint64_t line = data_line_size();
    uint64_t end = (uint64_t)(uintptr_t)from + size;

    for (uint64_t at = ash_align_down((uint64_t)(uintptr_t)from, line); at < end; at += line) {
        __asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
    }
    /* Complete for every observer, caches off included, before what follows (DDI 0487 D7.5.9). */
    hv_dsb(sy);
}

void hv_arch_publish_to_guest(const void *from, size_t size)
{
    hv_cache_clean_invalidate(from, size);
    /* All instruction caches: a PIPT one may hold lines of the page's last owner, a VIPT one under any VMID
     * (D7.5.11: after the data is at PoC, IC IALLUIS; DSB ISH; ISB). */
    __asm__ volatile("ic ialluis" : : : "memory");
    hv_dsb(ish);
    hv_isb();
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
    for (; at < end; at += block) {
        __asm__ volatile("dc zva, %0" : : "r"(at) : "memory");
    }
}
