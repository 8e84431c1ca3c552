/* SPDX-License-Identifier: BSD-2-Clause */
/** Named checks of a guest that tests one topic. Only what fails is printed, and one line at the end:
 *  `TOPIC PASS, n checks` or `TOPIC FAIL, k of n checks`. From one vCPU at a time. */
#ifndef TESTS_GUESTS_COMMON_CHECK_H
#define TESTS_GUESTS_COMMON_CHECK_H

#include <stdbool.h>
#include <stdint.h>

void check(const char *name, bool ok);
void check_equal(const char *name, uint64_t got, uint64_t wanted);
/** The same for one of many: @at (an offset, an INTID …) is printed behind the name. */
void check_equal_at(const char *name, uint64_t at, uint64_t got, uint64_t wanted);
/** The last line; true if all passed. */
bool check_end(const char *topic);

/** The synchronous exceptions since the last check_no_fault() or check_fault(): they are skipped (ELR + 4). */
struct check_fault {
    uint64_t count;
    uint64_t vector; /* 0..15, of the last one, as all that follows */
    uint64_t esr;
    uint64_t far;
    uint64_t elr;
    uint64_t spsr;
};
/* Hidden: by its distance, not by an address, so that a guest runs wherever it is put. */
extern volatile struct check_fault check_last __attribute__((visibility("hidden")));
/** Where the next exception returns to, if not 0: once. */
extern volatile uint64_t check_return_to __attribute__((visibility("hidden")));

/** Exactly one exception, of class @ec; (ESR & @mask) == @iss. */
void check_fault(const char *name, uint64_t ec, uint64_t mask, uint64_t iss);
void check_no_fault(const char *name);

/** Until *@word is @value, for 20 s at most. */
bool check_wait(const volatile uint64_t *word, uint64_t value);

#endif
