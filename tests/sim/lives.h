/* SPDX-License-Identifier: BSD-2-Clause */
/** A VM that is made and taken away again, at whatever moment and short of memory. For a test that is linked with
 *  --wrap of hv_pages_alloc and hv_pages_alloc_zeroed. */
#ifndef SIM_LIVES_H
#define SIM_LIVES_H

#include "rig.h"

extern uint32_t sim_fails_in; /* so many allocations from now on one fails; 0: none does */

/** Zeroed, then the first three are the test's to set. */
struct sim_lives {
    uint32_t who;   /* the VM's number */
    unsigned most;  /* cycles, or of sim_lives_fail() the allocations that making it takes at least */
    unsigned haste; /* it is gone within so many turns of its having been used */

    bool used; /* in this life: set by its guest */
    bool is_known;
    struct sim_account without; /* what it has is not there */
    unsigned cycles;
    unsigned in_use; /* cycles in which it was used */
    unsigned wait;
    uint32_t next_failure;
};

/** The commander's turn. Without the VM all is as it was before, each time. Off after @most cycles and one. */
enum hv_verdict sim_lives_cycle(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_lives *lives);

/** Likewise: each allocation fails once, until it is made because none is left to fail. */
enum hv_verdict sim_lives_fail(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct sim_lives *lives);

#endif
