/* SPDX-License-Identifier: BSD-2-Clause */
/* DDI 0224 C. */
#include "common/check.h"
#include "common/guest.h"
#include "devices/devices.h"

#define RTCDR   (GUEST_RTC + 0x00U)
#define RTCMR   (GUEST_RTC + 0x04U)
#define RTCLR   (GUEST_RTC + 0x08U)
#define RTCCR   (GUEST_RTC + 0x0cU)
#define RTCIMSC (GUEST_RTC + 0x10U)
#define RTCRIS  (GUEST_RTC + 0x14U)
#define RTCMIS  (GUEST_RTC + 0x18U)
#define RTCICR  (GUEST_RTC + 0x1cU)

/* Table 3-1. RTCCR: running, as firmware leaves it; a 1 in it stays until reset (3.3.4). */
static const struct devices_register registers[] = {
    {"RTCMR", 0x04, UINT32_MAX, 0, UINT32_MAX}, {"RTCLR", 0x08, UINT32_MAX, 0, 0},
    {"RTCCR", 0x0c, UINT32_MAX, 1, 0},          {"RTCIMSC", 0x10, UINT32_MAX, 0, 1},
    {"RTCRIS", 0x14, UINT32_MAX, 0, 0},         {"RTCMIS", 0x18, UINT32_MAX, 0, 0},
};
static const uint8_t ids[8] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static uint64_t now(void)
{
    return guest_sysreg_read(cntvct_el0);
}

static bool raw_within(uint64_t seconds)
{
    uint64_t begin = now();

    while (guest_read32(RTCRIS) == 0U) {
        if (now() - begin > seconds * guest_sysreg_read(cntfrq_el0)) {
            return false;
        }
        __asm__ volatile("yield");
    }
    return true;
}

static void check_counter(void)
{
    uint32_t before = guest_read32(RTCDR);
    uint64_t begin;

    guest_write32(RTCDR, 0);
    check("RTCDR is read-only", guest_read32(RTCDR) - before <= 1U);
    guest_write32(RTCCR, 0);
    check_equal("a clock that runs cannot be stopped", guest_read32(RTCCR), 1);
    guest_write32(RTCLR, 0x12345678);
    check("RTCLR loads the counter", guest_read32(RTCDR) - 0x12345678U <= 1U);
    check_equal("... and reads as written", guest_read32(RTCLR), 0x12345678);
    before = guest_read32(RTCDR);
    begin = now();
    while (guest_read32(RTCDR) == before && now() - begin < 3U * guest_sysreg_read(cntfrq_el0)) {
        __asm__ volatile("yield");
    }
    check_equal("it counts seconds, one by one", guest_read32(RTCDR), before + 1U);
    check("... not longer than a second each", now() - begin < guest_sysreg_read(cntfrq_el0) * 5U / 4U);
}

/* The counter passes 2^32 - 1 and matches 0. */
static void check_wrap_and_masks(void)
{
    guest_write32(RTCMR, 0);
    guest_write32(RTCICR, 1);
    check_equal("cleared", guest_read32(RTCRIS), 0);
    guest_write32(RTCLR, UINT32_MAX);
    check("the counter wraps, and that is a match", raw_within(3) && guest_read32(RTCDR) <= 1U);
    check_equal("masked: not in RTCMIS", guest_read32(RTCMIS), 0);
    check("... and not at the line", !devices_line(RTC_INTID));
    guest_write32(RTCIMSC, 1);
    check_equal("not masked: in RTCMIS", guest_read32(RTCMIS), 1);
    check("... and at the line", devices_line(RTC_INTID));
    guest_write32(RTCRIS, 0);
    guest_write32(RTCMIS, 0);
    guest_write32(RTCICR, 0);
    check_equal("only a 1 to RTCICR clears", guest_read32(RTCRIS), 1);
    check_equal("RTCICR is write-only", guest_read32(RTCICR), 0);
    guest_write32(RTCIMSC, 0);
    check("masked again: the line is down", !devices_line(RTC_INTID));
    check_equal("... the raw interrupt stays", guest_read32(RTCRIS), 1);
    guest_write32(RTCICR, 1);
    check_equal("cleared for good", guest_read32(RTCRIS), 0);
}

void pl031_interrupt(uint64_t times)
{
    if (times == 2U) {
        guest_write32(RTCICR, 1);
    }
}

static void check_alarm(void)
{
    uint32_t match = guest_read32(RTCDR) + 1U;

    guest_irq_unmask();
    guest_write32(RTCMR, match);
    guest_write32(RTCIMSC, 1);
    (void)check_wait(&devices_taken[1], 2);
    check("the alarm comes when the counter is the match, not before", guest_read32(RTCDR) - match <= 1U);
    for (unsigned n = 0; n < 100U; n++) {
        __asm__ volatile("isb");
    }
    check_equal("... again until it is cleared", devices_taken[1], 2);
    guest_write32(RTCIMSC, 0);
}

void check_pl031(void)
{
    check("the clock was set by somebody", guest_read32(RTCDR) > 1577836800U);
    check_reset_values(GUEST_RTC, registers, sizeof(registers) / sizeof(registers[0]));
    check_storage(GUEST_RTC, registers, sizeof(registers) / sizeof(registers[0]));
    check_identification("RTCPeriphID, RTCPCellID", GUEST_RTC, ids, 0xf0);
    check_reserved("0x020 to 0xfdc is reserved", GUEST_RTC, 0x20, 0xfe0);
    check_counter();
    check_wrap_and_masks();
    check_alarm();
}
