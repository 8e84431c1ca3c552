/* SPDX-License-Identifier: BSD-2-Clause */
/* Caches and TLBs on two vCPUs. QEMU has no caches: of them only that the operations are there can be seen here. */
#include "common/check.h"
#include "common/guest.h"
#include "common/mmu.h"
#include "cpu/cpu.h"

#define MOV_W0 0x52800000U /* MOV W0, #imm16 << 5 */
#define RET    0xd65f03c0U

static __attribute__((aligned(4096))) volatile uint64_t first[512];
static __attribute__((aligned(4096))) volatile uint64_t second[512];
static __attribute__((aligned(4096))) volatile uint64_t window[512]; /* an address for either */
static volatile uint64_t seen;

static uint64_t address(const volatile void *of)
{
    return (uint64_t)(uintptr_t)of;
}

static uint64_t run_window(void)
{
    uint64_t (*function)(void);

    __asm__ volatile("isb\n\tmov %0, %1" : "=r"(function) : "r"(address(window)));
    return function();
}

void maintenance_secondary(uint64_t request)
{
    if (request == ASK_READ) {
        seen = window[0];
    } else if (request == ASK_EXECUTE) {
        seen = run_window();
    } else if (request == ASK_FLUSH) {
        mmu_flush(address(window));
        seen = window[0];
    }
}

/* Break, invalidate, make (DDI 0487 D8.13): the new page is seen here and on the other vCPU. */
static void move_window(const volatile void *to, bool by_asid)
{
    mmu_map(address(window), 0, MMU_INVALID);
    if (by_asid) {
        __asm__ volatile("tlbi vae1is, %0\n\tdsb ish\n\tisb" : : "r"(address(window) >> 12) : "memory");
    } else {
        mmu_flush(address(window));
    }
    mmu_map(address(window), address(to), MMU_EL1_RW);
    __asm__ volatile("dsb ish\n\tisb" : : : "memory");
}

static void check_tlb(void)
{
    first[0] = 0x1111;
    second[0] = 0x2222;
    for (unsigned n = 0; n < 50U; n++) {
        const volatile uint64_t *to = n % 2U == 0U ? second : first;

        move_window(to, n % 4U < 2U);
        check_equal_at("a changed mapping is seen here", n, window[0], to[0]);
        check("... and asked", cpu_ask(n % 3U == 0U ? ASK_FLUSH : ASK_READ));
        check_equal_at("... by the other vCPU", n, seen, to[0]);
    }
    mmu_map(address(window), 0, MMU_INVALID);
    mmu_flush(address(window));
    (void)window[0];
    check_fault("an unmapped page: the guest's own translation fault, level 3", 0x25, 0x3f, 0x07);
    mmu_map(address(window), address(first), MMU_EL1_RW | MMU_RO);
    window[0] = 1;
    check_fault("a read-only page: its own permission fault", 0x25, 0x7f, 0x4f);
    mmu_map(address(window), address(first), MMU_EL1_RW);
    __asm__ volatile("tlbi vmalle1is\n\tdsb ish\n\tisb" : : : "memory");
    window[0] = 0x3333;
    check_equal("written by one address, read by the other", first[0], 0x3333);
    mmu_map(address(window), address(second), MMU_EL1_RW);
    __asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
    check_equal("TLBI VMALLE1: here", window[0], 0x2222);
    mmu_map(address(window), address(first), MMU_EL1_RW);
    __asm__ volatile("tlbi vae1, %0\n\tdsb nsh\n\tisb" : : "r"(address(window) >> 12) : "memory");
    check_equal("TLBI VAE1: here", window[0], 0x3333);
    __asm__ volatile("tlbi vmalle1is\n\tdsb ish\n\tisb" : : : "memory");
    check_no_fault("no TLBI faults");
}

/* Code written here runs on both, after DC CVAU, IC IVAU. */
static void check_code(void)
{
    volatile uint32_t *code = (volatile uint32_t *)(uintptr_t)address(first);

    code[1] = RET;
    for (uint32_t n = 0; n < 20U; n++) {
        code[0] = MOV_W0 | (n << 5);
        __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %1\n\tdsb ish\n\tisb"
                         :
                         : "r"(code), "r"(window)
                         : "memory");
        check_equal_at("new code here", n, run_window(), n);
        check("... asked", cpu_ask(ASK_EXECUTE));
        check_equal_at("... and on the other vCPU", n, seen, n);
    }
}

/* All sets and ways of the data caches by CSSELR, CCSIDR, CLIDR: how firmware does it (D7.5). */
static void by_set_and_way(void)
{
    uint64_t clidr = guest_sysreg_read(clidr_el1);

    for (unsigned level = 0; level < 7U; level++) {
        uint64_t type = (clidr >> (3U * level)) & 7U;
        uint64_t ccsidr;
        unsigned shift;

        if (type < 2U) {
            continue;
        }
        guest_sysreg_write(csselr_el1, (uint64_t)level << 1);
        ccsidr = guest_sysreg_read(ccsidr_el1);
        shift = (unsigned)(ccsidr & 7U) + 4U;
        /* The first and last set of the first way: each one that is trapped costs the whole of RAM once. */
        for (uint64_t set = 0; set <= 1U; set++) {
            uint64_t operand = (set * ((ccsidr >> 13) & 0x7fffU) << shift) | ((uint64_t)level << 1);

            __asm__ volatile("dc csw, %0\n\tdc cisw, %0\n\tdsb sy" : : "r"(operand) : "memory");
        }
    }
}

static void check_caches(void)
{
    volatile uint64_t *at = first;

    at[0] = 0x123456789abcdefU;
    by_set_and_way();
    check_equal("set and way: the data stay", at[0], 0x123456789abcdefU);
    __asm__ volatile("dc cvac, %0\n\tdc civac, %0\n\tdc cvau, %0\n\tdsb sy" : : "r"(at) : "memory");
    check_equal("by address: the data stay", at[0], 0x123456789abcdefU);
    __asm__ volatile("dc ivac, %0\n\tdsb sy" : : "r"(at) : "memory");
    check_equal("DC IVAC drops nothing that was cleaned", at[0], 0x123456789abcdefU);
    __asm__ volatile("dc zva, %0\n\tdsb sy" : : "r"(at) : "memory");
    check_equal("DC ZVA", at[0], 0);
    __asm__ volatile("ic iallu\n\tic ialluis\n\tdsb ish\n\tisb");
    check_no_fault("no maintenance faults");
    guest_sysreg_write(contextidr_el1, 0x77);
    guest_sysreg_write(afsr0_el1, guest_sysreg_read(afsr0_el1));
    check_equal("registers that trap after set and way are written", guest_sysreg_read(contextidr_el1), 0x77);
}

void check_maintenance(void)
{
    check_tlb();
    check_code();
    check_caches();
}
