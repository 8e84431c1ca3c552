/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_GUESTS_GICREGS_GICREGS_H
#define TESTS_GUESTS_GICREGS_GICREGS_H

#include <stdbool.h>
#include <stdint.h>

/** What the manual says of the words of a frame from @first to @last (offsets of words). */
enum kind {
    NOTHING,  /* reserved, or not in this configuration: RAZ/WI */
    FIXED,    /* read-only, as it was first read */
    CTLR,     /* GICD_CTLR, GICR_CTLR: all enables are 0 */
    WAKER,    /* GICR_WAKER: awake */
    WRITE,    /* write-only: reads as zero */
    GROUP,    /* a bit an interrupt, plain */
    SETS,     /* a bit an interrupt: a 1 sets it */
    CLEARS,   /* a 1 clears it */
    PRIORITY, /* a byte an interrupt */
    TARGETS,  /* GICv2: a byte an interrupt */
    CONFIG,   /* two bits an interrupt */
    ROUTER,   /* eight bytes an interrupt */
    SGISET,   /* GICD_SPENDSGIR, a byte an SGI */
    SGICLEAR,
};

#define BYTES   1U
#define HALVES  2U
#define DOUBLES 8U

struct region {
    uint32_t first;
    uint32_t last;
    enum kind kind;
    uint8_t widths; /* besides words */
    uint8_t bank;   /* SETS and CLEARS of one state share it */
};

extern const struct region gicregs_dist3[], gicregs_redist[], gicregs_sgi[], gicregs_dist2[];
extern const unsigned gicregs_dist3_count, gicregs_redist_count, gicregs_sgi_count, gicregs_dist2_count;

#endif
