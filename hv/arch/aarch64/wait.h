/* SPDX-License-Identifier: BSD-2-Clause */
/** hv_arch_wait_equal(): arch/arch.h. */
#ifndef HV_ARCH_AARCH64_WAIT_H
#define HV_ARCH_AARCH64_WAIT_H

#include <stdint.h>

static inline void hv_arch_wait_equal(const uint32_t *word, uint32_t value)
{
    uint32_t seen;

    /* The load-exclusive arms this CPU's monitor; the store that clears it is the wake-up event of WFE (DDI 0487
     * D1.6.1, B2.10.1). Acquire: see hv_lock(). */
    __asm__ volatile("sevl\n"
                     "1:\twfe\n\t"
                     "ldaxr %w0, [%1]\n\t"
                     "cmp %w0, %w2\n\t"
                     "b.ne 1b\n\t"
                     "clrex"
                     : "=&r"(seen)
                     : "r"(word), "r"(value)
                     : "cc", "memory");
}

#endif
