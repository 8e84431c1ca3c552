/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_GUESTS_BASICS_BASICS_H
#define TESTS_GUESTS_BASICS_BASICS_H

#include <stdbool.h>
#include <stdint.h>

/** A line with the result; the guest passes if all are ok. */
void check(const char *what, bool ok);

/** Exactly one exception since the last question, of class @ec, and for an abort with fault status @fsc? */
bool faulted_with(uint64_t ec);
bool aborted_with(uint64_t fsc);
bool nothing_faulted(void);

/** Loads and stores to devices for which the CPU gives no syndrome. */
void check_accesses(void);

/** The same with MMU and caches on, which stay so: the last check. */
void check_accesses_with_mmu(void);

#endif
