/* SPDX-License-Identifier: BSD-2-Clause */
/* The power block's watchdog: fed for a while it does not bite, and then it does. For VMs: QEMU's raspi3b bites at
 * once. */
#include "pi/pi.h"

#define PASSWORD 0x5a000000U
#define TICKS    65536U /* 1 s: a machine whose emulator waits for its turn feeds late */
#define FEED_US  200000U

static volatile uint32_t image = 0x600dc0de;

static void wait_us(uint32_t time)
{
    uint32_t since = get32(ST_CLO);

    while (get32(ST_CLO) - since < time) {
    }
}

void pi_main(uint64_t boot, uint64_t el)
{
    (void)boot;
    (void)el;
    pi_use_pl011();
    pi_print(image == 0x600dc0deU ? "watchdog: pristine\n" : "watchdog: NOT pristine\n");
    image = 0;
    put32(PM_WDOG, PASSWORD | TICKS);
    put32(PM_RSTC, PASSWORD | 0x20U);
    for (unsigned i = 0; i < 5U; i++) {
        wait_us(FEED_US);
        put32(PM_WDOG, PASSWORD | TICKS);
    }
    pi_print("watchdog: fed for 1 s\n");
    wait_us(10000000);
    pi_print("watchdog: it never bit\n");
}
