/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program asks the VideoCore: the property channel. And the hypervisor, if there is one: once. */
#include "pi/pi.h"

#define CHANNEL 8U
#define HVC_UID UINT64_C(0x8600ff01)

static volatile uint32_t message[64] __attribute__((aligned(16)));

/** One tag of @words words of value; true: it was answered. The value is in message[5] and on. */
static bool ask(uint32_t tag, uint32_t words, uint32_t first, uint32_t second)
{
    uint32_t n = 5U + words;

    message[0] = 4U * (n + 1U);
    message[1] = 0;
    message[2] = tag;
    message[3] = 4U * words;
    message[4] = 0;
    for (uint32_t i = 0; i < words; i++) {
        message[5U + i] = i == 0U ? first : (i == 1U ? second : 0U);
    }
    message[n] = 0;
    __asm__ volatile("dsb sy" : : : "memory");
    while ((get32(MB_STATUS) & 1U << 31) != 0U) {
    }
    put32(MB_WRITE, (uint32_t)(uintptr_t)message | CHANNEL);
    do {
        while ((get32(MB_STATUS) & 1U << 30) != 0U) {
        }
    } while (get32(MB_READ) != ((uint32_t)(uintptr_t)message | CHANNEL));
    __asm__ volatile("dsb sy" : : : "memory");
    return message[1] == 0x80000000U && (message[4] & 1U << 31) != 0U;
}

static void say(const char *what, bool ok)
{
    pi_print("firmware: ");
    pi_print(what);
    pi_print(ok ? ": yes\n" : ": NO\n");
}

static void ask_hypervisor(uint64_t el)
{
    register uint64_t x0 __asm__("x0") = HVC_UID;
    register uint64_t x1 __asm__("x1") = 0;
    register uint64_t x2 __asm__("x2") = 0;
    register uint64_t x3 __asm__("x3") = 0;
    uint32_t uid;

    if (el != 1U) {
        pi_print("hypervisor: none\n");
        return;
    }
    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    uid = (uint32_t)x0;
    pi_print("hypervisor: ");
    pi_hex(uid);
    pi_print("\n");
}

void pi_main(uint64_t boot, uint64_t el)
{
    uint64_t before;

    pi_use_pl011();
    pi_print("firmware: x0 ");
    pi_hex(boot);
    pi_print("\n");
    say("board revision is a Pi 3 B's", ask(0x00010002, 1, 0, 0) && message[5] == 0xa02082U);
    say("memory begins at 0", ask(0x00010005, 2, 0, 0) && message[5] == 0U && message[6] >= 0x200000U);
    say("a MAC address",
        ask(0x00010003, 2, 0, 0) && (message[4] & 0x7fffffffU) == 6U && (message[5] & 1U) == 0U);
    say("a clock has a rate", ask(0x00030002, 2, 3, 0) && message[5] == 3U && message[6] > 1000000U);
    say("a temperature", ask(0x00030006, 2, 0, 0) && message[6] > 1000U && message[6] < 100000U);
    before = get32(ST_CLO);
    while (get32(ST_CLO) - (uint32_t)before < 1000U) {
    }
    say("the system timer counts", get32(ST_CHI) < 1000U);
    put32(RNG_CTRL, 1);
    while (get32(RNG_STATUS) >> 24 == 0U) {
    }
    say("random numbers differ", get32(RNG_DATA) != get32(RNG_DATA) || get32(RNG_DATA) != get32(RNG_DATA));
    ask_hypervisor(el);
}
