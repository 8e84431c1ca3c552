/* SPDX-License-Identifier: BSD-2-Clause */
/** What core/lock.h and core/pages.c need of the architecture, for tests that link one file of hv/core. */
#ifndef UNIT_ARCH_H
#define UNIT_ARCH_H

#include <sched.h>
#include <string.h>

#include "arch/arch.h"

void hv_arch_wait_equal(const uint32_t *word, uint32_t value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
        sched_yield();
    }
}

void hv_arch_zero_pages(void *pages, size_t size)
{
    memset(pages, 0, size);
}

#endif
