/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions whose data abort carries no syndrome (ISV = 0): hv decodes them. Registers that can be written without
 * an effect: RTCMR and RTCLR of the PL031, GICD_IROUTER<n>. */
#include "mmio/mmio.h"

#include "common/check.h"
#include "common/guest.h"

#define RTC_MATCH (GUEST_RTC + 4U)
#define RTC_IDS   (GUEST_RTC + 0xfe0U)   /* 0x31, 0x10, 0x04, 0x00 */
#define ROUTER    (GUEST_GICD + 0x6100U) /* of INTID 32; 16-byte aligned */
#define EXTERNAL  0x10U
#define EXCLUSIVE 0x35U
#define ALIGNMENT 0x21U
#define SCTLR_EE  (UINT64_C(1) << 25)

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

    __asm__ volatile(".arch_extension fp\n\t.arch_extension simd\n\t"
                     "movi v7.2d, #0xffffffffffffffff\n\tldr s7, [%2]\n\tmov %0, v7.d[0]\n\tmov %1, v7.d[1]"
                     : "=&r"(a), "=&r"(b)
                     : "r"(RTC_IDS));
    check("LDR S clears the rest of the register", a == 0x31U && b == 0U);
    __asm__ volatile(
        ".arch_extension fp\n\t.arch_extension simd\n\t"
        "movi v7.2d, #0xffffffffffffffff\n\tmov v8.16b, v7.16b\n\tldr b7, [%2], #4\n\tldr h8, [%2]\n\t"
        "add v7.2d, v7.2d, v8.2d\n\tmov %0, v7.d[0]\n\tmov %1, v7.d[1]"
        : "=&r"(a), "=&r"(b), "+r"((uint64_t){RTC_IDS}));
    check("LDR B, post-indexed, and LDR H do so too", a == 0x41U && b == 0U);
    __asm__ volatile(".arch_extension fp\n\tfmov s9, %w1\n\tstr s9, [%0]"
                     :
                     : "r"(RTC_MATCH), "r"(0x1a2b3c4dU));
    check("STR S", guest_read32(RTC_MATCH) == 0x1a2b3c4dU);
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
void check_big_endian_pairs(void)
{
    uint64_t sctlr = guest_sysreg_read(sctlr_el1);
    uint64_t a;
    uint64_t b;

    __asm__ volatile("msr sctlr_el1, %3\n\tisb\n\tldp %w0, %w1, [%2]\n\tmsr sctlr_el1, %4\n\tisb"
                     : "=&r"(a), "=&r"(b)
                     : "r"(RTC_IDS), "r"(sctlr | SCTLR_EE), "r"(sctlr));
    check("LDP in big-endian order", a == 0x31000000U && b == 0x10000000U);
}

static void check_refused(void)
{
    uint64_t a = 0;
    uint64_t b = 0;

    check_no_fault("all of them without a fault");
    __asm__ volatile("ldxr %w0, [%1]" : "=r"(a) : "r"(RTC_IDS));
    check_fault("an exclusive: its own data abort", 0x25, 0x3f, EXCLUSIVE);
    __asm__ volatile(".arch_extension simd\n\tld1 {v0.16b}, [%0]" : : "r"(RTC_IDS) : "memory");
    check_fault("LD1: external abort", 0x25, 0x3f, EXTERNAL);
    __asm__ volatile("dc zva, %0" : : "r"(RTC_MATCH) : "memory");
    check_fault("DC ZVA: alignment fault", 0x25, 0x3f, ALIGNMENT);
    __asm__ volatile("ldp %w0, %w1, [%2]" : "=&r"(a), "=&r"(b) : "r"(RTC_IDS + 2U));
    check_fault("a pair that is not aligned: alignment fault", 0x25, 0x3f, ALIGNMENT);
    __asm__ volatile("ldp %w0, %w1, [%2]" : "=&r"(a), "=&r"(b) : "r"(GUEST_RTC + 0xffcU));
    check_fault("a pair over the end of a page: external abort", 0x25, 0x3f, EXTERNAL);
    __asm__ volatile("dc civac, %0" : : "r"(RTC_IDS) : "memory");
    __asm__ volatile("dc civac, %0" : : "r"(UINT64_C(0x10000000)) : "memory");
    check_no_fault("cache maintenance of a device and of nothing: no fault");
    __asm__ volatile("prfm pldl1keep, [%0]" : : "r"(RTC_IDS));
    check_no_fault("a prefetch neither");
}

void check_accesses_without_syndrome(void)
{
    check_pairs();
    check_write_back();
    check_vectors();
    if (guest_gic_version() == 3U) {
        check_doublewords();
    }
    check_refused();
}
