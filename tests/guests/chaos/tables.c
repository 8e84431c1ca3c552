/* SPDX-License-Identifier: BSD-2-Clause */
/* Stage 1: TTBR0 is a plain 1:1 map that lets us live; TTBR1's tables are made of anything, lie anywhere, and change
 * while both vCPUs walk them. */
#include "chaos/chaos.h"
#include "common/guest.h"

#define PAGES 512U
#define UPPER UINT64_C(0xffffff8000000000) /* T1SZ 25: 39 bits, from level 1 on */
/* T0SZ 32 and T1SZ 25, 4 KiB each, write-back, inner shareable; IPS 48 bits (DDI 0487 D17.2, TCR_EL1). */
#define TCR                                                                                                  \
    (UINT64_C(32) | (1U << 8) | (1U << 10) | (3U << 12) | (25U << 16) | (1U << 24) | (1U << 26) |            \
     (3U << 28) | (UINT64_C(2) << 30) | (UINT64_C(5) << 32))
#define MAIR     UINT64_C(0xff00)
#define SCTLR_ON UINT64_C(0x1005) /* M, C, I */

static __attribute__((aligned(4096))) uint64_t lower[PAGES];
static __attribute__((aligned(4096))) uint64_t upper[4][PAGES];

void chaos_tables_build(void)
{
    lower[0] = UINT64_C(0x401) | (UINT64_C(1) << 53) |
               (UINT64_C(1) << 54); /* devices: not executed, not guessed at */
    for (uint64_t n = 1; n < 4U; n++) {
        lower[n] = (n << 30) | UINT64_C(0x705); /* block, Normal, inner shareable, AF */
    }
    for (unsigned level = 0; level < 3U; level++) {
        for (unsigned n = 0; n < PAGES; n += 1U + (unsigned)chaos_below(8)) {
            upper[level][n] = (uint64_t)(uintptr_t)upper[level + 1U] | 3U;
        }
    }
    __asm__ volatile("dsb sy" : : : "memory");
}

bool chaos_mmu_is_on(void)
{
    return (guest_sysreg_read(sctlr_el1) & 1U) != 0U;
}

void chaos_mmu_on(void)
{
    guest_sysreg_write(mair_el1, MAIR);
    guest_sysreg_write(tcr_el1, TCR);
    guest_sysreg_write(ttbr0_el1, (uint64_t)(uintptr_t)lower);
    guest_sysreg_write(ttbr1_el1, (uint64_t)(uintptr_t)upper[0]);
    __asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
    guest_sysreg_write(sctlr_el1, guest_sysreg_read(sctlr_el1) | SCTLR_ON);
}

/* A descriptor that points at anything, with any bits. */
static uint64_t descriptor(void)
{
    uint64_t bits = chaos_one_in(4) ? chaos_random() : UINT64_C(0x703) | (chaos_below(2) << 54);

    if (chaos_one_in(3)) {
        return (uint64_t)(uintptr_t)upper[chaos_below(4)] | 3U;
    }
    return (chaos_address() & UINT64_C(0x0000fffffffff000)) | (bits & ~UINT64_C(0x0000fffffffff000));
}

static void change(void)
{
    volatile uint64_t *entry = &upper[chaos_below(4)][chaos_below(PAGES)];

    *entry = descriptor();
    if (!chaos_one_in(3)) {
        __asm__ volatile("dsb ishst" : : : "memory");
    }
    switch (chaos_below(5)) {
    case 0:
        __asm__ volatile("tlbi vmalle1is\n\tdsb ish\n\tisb" : : : "memory");
        break;
    case 1:
        __asm__ volatile("tlbi vaae1is, %0\n\tdsb ish\n\tisb" : : "r"(chaos_random()) : "memory");
        break;
    case 2:
        __asm__ volatile("tlbi aside1, %0" : : "r"(chaos_random()) : "memory");
        break;
    default: /* a stale entry */
        break;
    }
}

/* Often the same few pages. */
static uint64_t upper_address(void)
{
    uint64_t mask = chaos_one_in(2) ? UINT64_C(0x7fffffffff) : UINT64_C(0x00c0603fff);

    return UPPER | (chaos_random() & mask);
}

void chaos_tables(void)
{
    if (!chaos_mmu_is_on()) {
        chaos_mmu_on();
    }
    if (chaos_one_in(6)) { /* tables in a device, in a hole, in RAM that is none of ours */
        uint64_t root = chaos_one_in(2) ? chaos_address() & ~UINT64_C(0xfff) : (uint64_t)(uintptr_t)upper[0];

        guest_sysreg_write(ttbr1_el1, (root & UINT64_C(0x0000ffffffffffff)) | (chaos_random() << 48));
    }
    for (uint64_t n = 1U + chaos_below(12); n > 0U; n--) {
        uint64_t address = upper_address();

        change();
        if (chaos_one_in(2)) {
            __asm__ volatile("at s1e1r, %0\n\tisb" : : "r"(address) : "memory");
        } else if (chaos_one_in(2)) {
            (void)*(const volatile uint32_t *)(uintptr_t)(address & ~UINT64_C(3));
        } else if (chaos_one_in(2)) {
            __asm__ volatile("prfm pldl1keep, [%0]" : : "r"(address));
        } else {
            __asm__ volatile("br %0"
                             :
                             : "r"(address & ~UINT64_C(3))); /* to nowhere: comes back by its fault */
        }
    }
}
