/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions whose data abort carries no syndrome (ISV = 0): hv decodes them. The MMU is off, so each is an access to
 * Device memory. Registers that can be written without an effect: RTCMR and RTCLR of the PL031, GICD_IROUTER<n>. */
#include "basics/basics.h"
#include "common/guest.h"

#define RTC_MATCH  (GUEST_RTC + 4U)
#define RTC_IDS    (GUEST_RTC + 0xfe0U)   /* 0x31, 0x10, 0x04, 0x00 */
#define ROUTER     (GUEST_GICD + 0x6100U) /* of INTID 32; 16-byte aligned */
#define EXTERNAL   0x10U
#define EXCLUSIVE  0x35U
#define ALIGNMENT  0x21U
#define SCTLR_EE   (UINT64_C(1) << 25)
#define CPACR_FPEN (UINT64_C(3) << 20)

static void check_pairs(void)
{
    uint64_t a;
    uint64_t b;

    __asm__ volatile("ldp %w0, %w1, [%2]" : "=&r"(a), "=&r"(b) : "r"(RTC_IDS));
    check("LDP of two words", a == 0x31U && b == 0x10U);
    __asm__ volatile("stp %w1, %w2, [%0]" : : "r"(RTC_MATCH), "r"(UINT32_MAX), "r"(0x70000000U) : "memory");
    check("STP of two words",
          guest_read32(RTC_MATCH) == UINT32_MAX && guest_read32(GUEST_RTC + 8U) == 0x70000000U);
    __asm__ volatile("ldpsw %0, %1, [%2]" : "=&r"(a), "=&r"(b) : "r"(RTC_MATCH));
    check("LDPSW extends the sign", a == UINT64_MAX && b == 0x70000000U);
    __asm__ volatile("ldnp %w0, %w1, [%2, #8]" : "=&r"(a), "=&r"(b) : "r"(RTC_IDS - 4U));
    check("LDNP with an offset", a == 0x10U && b == 0x04U);
}

static void check_write_back(void)
{
    uint64_t base = RTC_IDS;
    uint64_t a;
    uint64_t b;

    __asm__ volatile("ldr %w0, [%1], #4" : "=&r"(a), "+r"(base));
    check("LDR, post-indexed", a == 0x31U && base == RTC_IDS + 4U);
    __asm__ volatile("ldrb %w0, [%1, #4]!" : "=&r"(a), "+r"(base));
    check("LDRB, pre-indexed", a == 0x04U && base == RTC_IDS + 8U);
    base = RTC_MATCH - 16U;
    __asm__ volatile("str %w1, [%0, #16]!" : "+r"(base) : "r"(0x7fffffffU) : "memory");
    check("STR, pre-indexed", guest_read32(RTC_MATCH) == 0x7fffffffU && base == RTC_MATCH);
    __asm__ volatile("mov x9, sp\n\tmov sp, %2\n\tldp %w0, %w1, [sp], #16\n\tmov %2, sp\n\tmov sp, x9"
                     : "=&r"(a), "=&r"(b), "+r"((uint64_t){RTC_IDS})
                     :
                     : "x9", "memory");
    check("LDP by the stack pointer", a == 0x31U && b == 0x10U);
}

static void check_vectors(void)
{
    uint64_t a;
    uint64_t b;

    guest_sysreg_write(cpacr_el1, CPACR_FPEN);
    __asm__ volatile(".arch_extension fp\n\t.arch_extension simd\n\t"
                     "movi v7.2d, #0xffffffffffffffff\n\tldr s7, [%2]\n\tmov %0, v7.d[0]\n\tmov %1, v7.d[1]"
                     : "=&r"(a), "=&r"(b)
                     : "r"(RTC_IDS));
    check("LDR S clears the rest of the register", a == 0x31U && b == 0U);
}

/* A GICv2 has no register of 64 bits. */
static void check_doublewords(void)
{
    uint64_t a;
    uint64_t b;

    __asm__ volatile("stp %1, xzr, [%0]\n\tldp %1, %2, [%0]"
                     : "+r"((uint64_t){ROUTER}), "=&r"(a), "=&r"(b)
                     : "1"(1));
    check("STP and LDP of two doublewords", a == 1U && b == 0U);
    __asm__ volatile(
        ".arch_extension simd\n\tmov x9, #1\n\tmov v7.d[1], x9\n\tmov v7.d[0], xzr\n\tstr q7, [%2]\n\t"
        "ldp d8, d9, [%2]\n\tmov %0, v8.d[0]\n\tmov %1, v9.d[0]"
        : "=&r"(a), "=&r"(b)
        : "r"(ROUTER)
        : "x9", "memory");
    check("STR Q, LDP D", a == 0U && b == 1U);
    __asm__ volatile(".arch_extension simd\n\tldp q4, q5, [%2]\n\tmov %0, v4.d[1]\n\tmov %1, v5.d[0]"
                     : "=&r"(a), "=&r"(b)
                     : "r"(ROUTER));
    check("LDP Q", a == 1U && b == 0U);
}

/* With the MMU off: SCTLR_EL1.EE says how the tables are read, too. */
static void check_big_endian(void)
{
    uint64_t sctlr = guest_sysreg_read(sctlr_el1);
    uint64_t a;
    uint64_t b;

    __asm__ volatile("msr sctlr_el1, %3\n\tisb\n\tldp %w0, %w1, [%2]\n\tmsr sctlr_el1, %4\n\tisb"
                     : "=&r"(a), "=&r"(b)
                     : "r"(RTC_IDS), "r"(sctlr | SCTLR_EE), "r"(sctlr));
    check("LDP in big-endian order", a == 0x31000000U && b == 0x10000000U);
}

static void check_order(void)
{
    uint64_t a;

    __asm__ volatile("ldar %w0, [%1]" : "=r"(a) : "r"(RTC_IDS));
    check("LDAR", a == 0x31U);
    __asm__ volatile("stlr %w1, [%0]" : : "r"(RTC_MATCH), "r"(0x7ffffffeU) : "memory");
    check("STLR", guest_read32(RTC_MATCH) == 0x7ffffffeU);
    __asm__ volatile("ldtr %w0, [%1]" : "=r"(a) : "r"(RTC_IDS));
    check("LDTR", a == 0x31U);
}

static void check_refused(void)
{
    uint64_t a = 0;
    uint64_t b = 0;

    check("all of them without a fault", nothing_faulted());
    __asm__ volatile("ldxr %w0, [%1]" : "=r"(a) : "r"(RTC_IDS));
    check("an exclusive: its own data abort", aborted_with(EXCLUSIVE));
    __asm__ volatile(".arch_extension simd\n\tld1 {v0.16b}, [%0]" : : "r"(RTC_IDS) : "memory");
    check("LD1: external abort", aborted_with(EXTERNAL));
    __asm__ volatile("dc zva, %0" : : "r"(RTC_MATCH) : "memory");
    check("DC ZVA: alignment fault", aborted_with(ALIGNMENT));
    __asm__ volatile("ldp %w0, %w1, [%2]" : "=&r"(a), "=&r"(b) : "r"(RTC_IDS + 2U));
    check("a pair that is not aligned: alignment fault", aborted_with(ALIGNMENT));
    __asm__ volatile("dc civac, %0" : : "r"(RTC_IDS) : "memory");
    __asm__ volatile("dc civac, %0" : : "r"(UINT64_C(0x10000000)) : "memory");
    check("cache maintenance of a device and of nothing: no fault", nothing_faulted());
    __asm__ volatile("prfm pldl1keep, [%0]" : : "r"(RTC_IDS));
    check("a prefetch neither", nothing_faulted());
}

static void check_either_way(void)
{
    check_pairs();
    check_write_back();
    check_vectors();
    if (guest_gic_version() == 3U) {
        check_doublewords();
    }
    check_order();
    check_refused();
}

void check_accesses(void)
{
    check_big_endian();
    check_either_way();
}

/* ---- The same through the guest's own translation ---------------------------------------------------------------- */

/* Level 1 of a 32-bit space: the first GiB is devices, the second RAM (DDI 0487 D8.3, block descriptors). */
#define BLOCK  (1U | (1U << 10))               /* valid, AF */
#define DEVICE (BLOCK | (0U << 2) | (1U << 6)) /* AttrIndx 0; AP: EL0 as well, for LDTR */
#define NORMAL (BLOCK | (1U << 2) | (3U << 8))
#define MAIR   UINT64_C(0xff00)
#define TCR                                                                                                  \
    (UINT64_C(32) | (1U << 8) | (1U << 10) | (3U << 12) | (1U << 23)) /* T0SZ, IRGN0, ORGN0, SH0, EPD1 */
#define SCTLR_MMU UINT64_C(0x1005)                                    /* M, C, I */

static __attribute__((aligned(4096))) uint64_t table[512];

void check_accesses_with_mmu(void)
{
    table[0] = DEVICE;
    table[1] = 0x40000000U | NORMAL;
    __asm__ volatile("dsb sy" : : : "memory");
    guest_sysreg_write(mair_el1, MAIR);
    guest_sysreg_write(tcr_el1, TCR);
    guest_sysreg_write(ttbr0_el1, (uint64_t)(uintptr_t)table);
    __asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
    guest_sysreg_write(sctlr_el1, guest_sysreg_read(sctlr_el1) | SCTLR_MMU);
    check("MMU and caches are on", (guest_sysreg_read(sctlr_el1) & SCTLR_MMU) == SCTLR_MMU);
    check_either_way();
}
