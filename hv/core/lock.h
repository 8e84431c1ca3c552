/* SPDX-License-Identifier: BSD-2-Clause */
/** Ticket lock: first come, first served; a waiter sleeps in WFE.
 *
 *  Order, outermost first; never two of a kind; none held while waiting for another CPU:
 *      VM list  →  VM  →  distributor (the VM's interrupts and emulated devices)  →  console  →  page pool
 */
#ifndef HV_CORE_LOCK_H
#define HV_CORE_LOCK_H

#include <stdint.h>

#include "arch/arch.h"

#ifdef HV_ARCH_INTERLEAVES
/** On a simulated machine: here another CPU may get its turn. Before a lock, while it is held, after it. */
void hv_arch_interleave(void);
#else
static inline void hv_arch_interleave(void)
{
}
#endif

struct hv_lock {
    uint32_t next;    /* the ticket to draw */
    uint32_t serving; /* the ticket that holds the lock */
};

static inline void hv_lock(struct hv_lock *lock)
{
    uint32_t ticket;

    hv_arch_interleave();
    ticket = __atomic_fetch_add(&lock->next, 1U, __ATOMIC_RELAXED);
    if (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket) {
        hv_arch_wait_equal(&lock->serving, ticket);
    }
    hv_arch_interleave();
}

static inline void hv_unlock(struct hv_lock *lock)
{
    /* Release: the next holder sees what this one wrote. The store itself wakes it (hv_arch_wait_equal()). */
    __atomic_store_n(&lock->serving, lock->serving + 1U, __ATOMIC_RELEASE);
    hv_arch_interleave();
}

#endif
