/* SPDX-License-Identifier: BSD-2-Clause */
/* The frames by their manuals: IHI 0069 12.8, 12.9 (GICD), 12.10, 12.11 (GICR), 12.1.3 (widths); IHI 0048B 4.1.4, 4.3.
 * One security state; GICv3: affinity routing, no LPIs, no extended ranges. What no line names is RAZ/WI. */
#include "gicregs/gicregs.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const struct region gicregs_dist3[] = {
    {0x0000, 0x0000, CTLR, 0, 0},         {0x0004, 0x0008, FIXED, 0, 0}, /* TYPER, IIDR */
    {0x0040, 0x0040, WRITE, HALVES, 0},                                  /* SETSPI_NSR */
    {0x0048, 0x0048, WRITE, HALVES, 0},                                  /* CLRSPI_NSR */
    {0x0080, 0x00fc, GROUP, 0, 0},                                       /* IGROUPR */
    {0x0100, 0x017c, SETS, 0, 1},                                        /* ISENABLER */
    {0x0180, 0x01fc, CLEARS, 0, 1},                                      /* ICENABLER */
    {0x0200, 0x027c, SETS, 0, 2},                                        /* ISPENDR */
    {0x0280, 0x02fc, CLEARS, 0, 2},                                      /* ICPENDR */
    {0x0300, 0x037c, SETS, 0, 3},                                        /* ISACTIVER */
    {0x0380, 0x03fc, CLEARS, 0, 3},                                      /* ICACTIVER */
    {0x0400, 0x07fc, PRIORITY, BYTES, 0},                                /* IPRIORITYR */
    {0x0c00, 0x0cfc, CONFIG, 0, 0},                                      /* ICFGR */
    {0x6000, 0x7fdc, ROUTER, DOUBLES, 0},                                /* IROUTER */
    {0xffd0, 0xfffc, FIXED, 0, 0},                                       /* identification */
};
const unsigned gicregs_dist3_count = COUNT(gicregs_dist3);

const struct region gicregs_redist[] = {
    {0x0000, 0x0000, CTLR, 0, 0},        {0x0004, 0x0004, FIXED, 0, 0}, /* IIDR */
    {0x0008, 0x000c, FIXED, DOUBLES, 0},                                /* TYPER */
    {0x0014, 0x0014, WAKER, 0, 0},       {0xffd0, 0xfffc, FIXED, 0, 0},
};
const unsigned gicregs_redist_count = COUNT(gicregs_redist);

const struct region gicregs_sgi[] = {
    {0x0080, 0x0080, GROUP, 0, 0},  {0x0100, 0x0100, SETS, 0, 1},         {0x0180, 0x0180, CLEARS, 0, 1},
    {0x0200, 0x0200, SETS, 0, 2},   {0x0280, 0x0280, CLEARS, 0, 2},       {0x0300, 0x0300, SETS, 0, 3},
    {0x0380, 0x0380, CLEARS, 0, 3}, {0x0400, 0x041c, PRIORITY, BYTES, 0}, {0x0c00, 0x0c04, CONFIG, 0, 0},
};
const unsigned gicregs_sgi_count = COUNT(gicregs_sgi);

const struct region gicregs_dist2[] = {
    {0x000, 0x000, CTLR, 0, 0},         {0x004, 0x008, FIXED, 0, 0}, /* TYPER, IIDR */
    {0x080, 0x0fc, GROUP, 0, 0},        {0x100, 0x17c, SETS, 0, 1},         {0x180, 0x1fc, CLEARS, 0, 1},
    {0x200, 0x27c, SETS, 0, 2},         {0x280, 0x2fc, CLEARS, 0, 2},       {0x300, 0x37c, SETS, 0, 3},
    {0x380, 0x3fc, CLEARS, 0, 3},       {0x400, 0x7f8, PRIORITY, BYTES, 0}, {0x800, 0xbf8, TARGETS, BYTES, 0},
    {0xc00, 0xcfc, CONFIG, 0, 0},       {0xf00, 0xf00, WRITE, 0, 0}, /* SGIR */
    {0xf10, 0xf1c, SGICLEAR, BYTES, 4}, {0xf20, 0xf2c, SGISET, BYTES, 4},   {0xfd0, 0xffc, FIXED, 0, 0},
};
const unsigned gicregs_dist2_count = COUNT(gicregs_dist2);
