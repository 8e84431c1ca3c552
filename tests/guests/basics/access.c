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
    __asm__ volatile("stp %1, xzr, [%0]\n\tldp %1, %2, [%0]"
                     : "+r"((uint64_t){ROUTER}), "=&r"(a), "=&r"(b)
                     : "1"(1));
    check("STP and LDP of two doublewords", a == 1U && b == 0U);
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

static void check_order(void)
{
    uint64_t sctlr = guest_sysreg_read(sctlr_el1);
    uint64_t a;
    uint64_t b;

    __asm__ volatile("msr sctlr_el1, %3\n\tisb\n\tldp %w0, %w1, [%2]\n\tmsr sctlr_el1, %4\n\tisb"
                     : "=&r"(a), "=&r"(b)
                     : "r"(RTC_IDS), "r"(sctlr | SCTLR_EE), "r"(sctlr));
    check("LDP in big-endian order", a == 0x31000000U && b == 0x10000000U);
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

    check("all of them without a fault", nothing_faulted());
    __asm__ volatile("ldxr %w0, [%1]" : "=r"(a) : "r"(RTC_IDS));
    check("an exclusive: its own data abort", aborted_with(EXCLUSIVE));
    __asm__ volatile(".arch_extension simd\n\tld1 {v0.16b}, [%0]" : : "r"(RTC_IDS) : "memory");
    check("LD1: external abort", aborted_with(EXTERNAL));
    __asm__ volatile("dc civac, %0" : : "r"(RTC_IDS) : "memory");
    __asm__ volatile("dc civac, %0" : : "r"(UINT64_C(0x10000000)) : "memory");
    check("cache maintenance of a device and of nothing: no fault", nothing_faulted());
    __asm__ volatile("prfm pldl1keep, [%0]" : : "r"(RTC_IDS));
    check("a prefetch neither", nothing_faulted());
}

void check_accesses(void)
{
    check_pairs();
    check_write_back();
    check_vectors();
    check_order();
    check_refused();
}
