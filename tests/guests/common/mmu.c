/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/mmu.h"

#include "common/guest.h"

#define PAGES 512U
#define BLOCK UINT64_C(0x200000)
#define MAIR  UINT64_C(0xff00) /* 0: Device-nGnRnE, 1: Normal write-back */

/* T0SZ 32: level 1, 4 entries; IRGN0, ORGN0 write-back, SH0 inner shareable; EPD1 (DDI 0487 D17.2, TCR_EL1). */
#define TCR (UINT64_C(32) | (1U << 8) | (1U << 10) | (3U << 12) | (1U << 23))

/* M, C, I; DZE, UCT, nTWI, nTWE, UCI for EL0; SPAN: PSTATE.PAN stays 0. */
#define SCTLR_ON                                                                                             \
    ((1U << 0) | (1U << 2) | (1U << 12) | (1U << 14) | (1U << 15) | (1U << 16) | (1U << 18) | (1U << 23) |   \
     (1U << 26))

static __attribute__((aligned(4096))) uint64_t level1[PAGES];
static __attribute__((aligned(4096))) uint64_t level2[PAGES];
static __attribute__((aligned(4096))) uint64_t level3[PAGES];

void mmu_build(void)
{
    level1[0] = MMU_BLOCK | MMU_AF | MMU_DEVICE | MMU_EL0 | MMU_PXN | MMU_UXN;
    level1[1] = (uint64_t)(uintptr_t)level2 | MMU_VALID;
    level1[MMU_ODD >> 30] = (uint64_t)GUEST_GICC | MMU_VALID;
    level2[0] = (uint64_t)(uintptr_t)level3 | MMU_VALID;
    for (uint64_t n = 1; n < PAGES; n++) {
        level2[n] = (MMU_RAM + n * BLOCK) | MMU_BLOCK | MMU_AF | MMU_NORMAL | MMU_UXN;
    }
    for (uint64_t n = 0; n < PAGES; n++) {
        level3[n] = (MMU_RAM + n * MMU_PAGE) | MMU_EL1_RW;
    }
    __asm__ volatile("dsb sy" : : : "memory");
}

void mmu_map(uint64_t va, uint64_t pa, uint64_t bits)
{
    *(volatile uint64_t *)&level3[(va - MMU_RAM) / MMU_PAGE] = pa | bits;
    __asm__ volatile("dsb ishst" : : : "memory");
}

void mmu_flush(uint64_t va)
{
    __asm__ volatile("tlbi vaae1is, %0\n\tdsb ish\n\tisb" : : "r"(va >> 12) : "memory");
}

void mmu_on(void)
{
    guest_sysreg_write(mair_el1, MAIR);
    guest_sysreg_write(tcr_el1, TCR);
    guest_sysreg_write(ttbr0_el1, (uint64_t)(uintptr_t)level1);
    __asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
    guest_sysreg_write(sctlr_el1, guest_sysreg_read(sctlr_el1) | SCTLR_ON);
}

void mmu_off(void)
{
    guest_sysreg_write(sctlr_el1, guest_sysreg_read(sctlr_el1) & ~UINT64_C(0x1005));
}
