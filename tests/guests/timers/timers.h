/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_GUESTS_TIMERS_TIMERS_H
#define TESTS_GUESTS_TIMERS_TIMERS_H

#include <stdint.h>

/** An access at EL0, then SVC (el0.S). */
struct timers_access {
    uint64_t code;
    uint64_t iss;     /* of its trap: DDI 0487 D17.2.37, "exception from MSR, MRS" */
    uint64_t enables; /* the bits of CNTKCTL_EL1 of which one must be set */
};
extern const struct timers_access timers_accesses[];
extern const uint64_t timers_access_count;

/** Run @code at EL0 until its first exception; ESR_EL1. */
uint64_t timers_el0(uint64_t code);

#endif
