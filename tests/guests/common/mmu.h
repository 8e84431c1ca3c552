/* SPDX-License-Identifier: BSD-2-Clause */
/** A translation of our own: 1:1, the first GiB Device memory, RAM Normal write-back, its first 2 MiB by pages. */
#ifndef TESTS_GUESTS_COMMON_MMU_H
#define TESTS_GUESTS_COMMON_MMU_H

#include <stdint.h>

/* Descriptor bits of a page (DDI 0487 D8.3.2). */
#define MMU_VALID   UINT64_C(3)
#define MMU_BLOCK   UINT64_C(1)
#define MMU_DEVICE  (UINT64_C(0) << 2)
#define MMU_NORMAL  ((UINT64_C(1) << 2) | (UINT64_C(3) << 8)) /* inner shareable */
#define MMU_EL0     (UINT64_C(1) << 6)
#define MMU_RO      (UINT64_C(1) << 7)
#define MMU_AF      (UINT64_C(1) << 10)
#define MMU_NG      (UINT64_C(1) << 11)
#define MMU_PXN     (UINT64_C(1) << 53)
#define MMU_UXN     (UINT64_C(1) << 54)
#define MMU_PAGE    UINT64_C(0x1000)
#define MMU_RAM     UINT64_C(0x40000000)
#define MMU_EL1_RW  (MMU_VALID | MMU_AF | MMU_NORMAL | MMU_UXN)
#define MMU_ALL_RW  (MMU_VALID | MMU_AF | MMU_NORMAL | MMU_EL0 | MMU_PXN | MMU_UXN)
#define MMU_ALL_RX  (MMU_VALID | MMU_AF | MMU_NORMAL | MMU_EL0 | MMU_RO)
#define MMU_INVALID UINT64_C(0)

#define MMU_ODD UINT64_C(0xc0000000) /* its level 2 table would be where a GICv2's CPU interface is */

/** Build the tables: RAM for EL1 alone, devices for EL0 too. Once, before any vCPU turns its MMU on. */
void mmu_build(void);
/** The page at @va (in the first 2 MiB of RAM) is @pa with these bits. No TLB maintenance: see mmu_flush(). */
void mmu_map(uint64_t va, uint64_t pa, uint64_t bits);
void mmu_flush(uint64_t va);
/** On, with caches; EL0 may WFI, WFE, DC, IC. */
void mmu_on(void);
void mmu_off(void);

#endif
