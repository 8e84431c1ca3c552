/* SPDX-License-Identifier: BSD-2-Clause */
/** libstage2's HAL on a PC: real descriptors in an arena of table pages, whose PAs are not its addresses. Memory is
 *  poisoned when it is given out, and out of bounds for the sanitizer before and after; the Nth allocation can be made
 *  to fail; invalidations are kept. What TLBs may hold is modelled in tests/model. */
#ifndef TESTKIT_FAKE_STAGE2_H
#define TESTKIT_FAKE_STAGE2_H

#include <stdbool.h>

#include <libstage2/stage2.h>

#define FAKE_STAGE2_PAGES         512U
#define FAKE_STAGE2_PA            UINT64_C(0x123400000000)
#define FAKE_STAGE2_INVALIDATIONS 64U

struct fake_stage2 {
    uint64_t (*page)[512]; /* FAKE_STAGE2_PAGES, 16-page aligned */
    uint64_t pa;           /* of the first: FAKE_STAGE2_PA until a test says otherwise, multiple of 64 KiB */
    unsigned lowest;       /* pages below are not given out */
    /* Of each page: 0 free, else pages of the allocation that begins here, 255 inside one. */
    uint8_t owner[FAKE_STAGE2_PAGES];
    unsigned in_use;
    unsigned fail_after; /* allocations until one fails; 0: none does */
    unsigned published;
    unsigned invalidations;
    struct ash_stage2_invalidation last[FAKE_STAGE2_INVALIDATIONS];
};

extern const struct ash_stage2_hal fake_stage2_hal;

void fake_stage2_init(struct fake_stage2 *fake);
/** Fails the test if a table was not given back. */
void fake_stage2_fini(struct fake_stage2 *fake);

#endif
