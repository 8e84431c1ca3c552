/* SPDX-License-Identifier: BSD-2-Clause */
/** The CPU interface of either GIC, as a guest's one group has it: Group 0 of a GICv2, Group 1 of a GICv3. */
#ifndef TESTS_GUESTS_COMMON_GIC_H
#define TESTS_GUESTS_COMMON_GIC_H

#include <stdbool.h>
#include <stdint.h>

#define GIC_SPURIOUS 1023U
#define GIC_IDLE     0xffU
#define GIC_RTC      34U
#define GIC_SPIS     40U /* INTIDs from here on have no device */
#define GIC_END      96U

extern bool gic_v3;

/* The registers: IHI 0069 12.2 (ICC_*), IHI 0048B 4.4 (GICC_*). */
uint32_t gic_iar(void); /* with the source CPU in [12:10] for a GICv2's SGI */
void gic_eoir(uint32_t iar);
void gic_dir(uint32_t iar);
uint32_t gic_rpr(void);
uint32_t gic_hppir(void);
void gic_set_pmr(uint32_t priority);
uint32_t gic_pmr(void);
void gic_set_bpr(uint32_t point);
uint32_t gic_bpr(void);
/** EOImode 1: EOIR only drops the priority. */
void gic_set_split(bool split);
/** Is an IRQ signalled to this vCPU? PSTATE.I does not matter. */
bool gic_signalled(void);

/** One bit of a register of 1 bit an interrupt, by its offset in the frame: 0x200 ISPENDR, … */
void gic_bit(uint32_t offset, uint32_t intid);
bool gic_reads(uint32_t offset, uint32_t intid);
void gic_set_priority(uint32_t intid, uint32_t priority);
void gic_set_edge(uint32_t intid, bool edge);

#define GIC_ENABLE   0x100U
#define GIC_DISABLE  0x180U
#define GIC_PEND     0x200U
#define GIC_UNPEND   0x280U
#define GIC_ACTIVATE 0x300U
#define GIC_RETIRE   0x380U

/** All SPIs without a device: Group of the guest, edge, disabled, idle, to vCPU 0. */
void gic_quiet(void);

#endif
