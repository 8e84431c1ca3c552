/* SPDX-License-Identifier: BSD-2-Clause */
/* The PL011, PL031, PL061 and SP805 as their manuals have them: Arm DDI 0183 G, DDI 0224 C, DDI 0190 B, DDI 0270 B,
 * each chapter 3. */
#include "devices/devices.h"

#include "common/check.h"
#include "common/guest.h"

volatile uint64_t devices_taken[4];

bool devices_line(uint32_t intid)
{
    return ((guest_read32(GUEST_GICD + 0x200U + 4U * (intid / 32U)) >> (intid % 32U)) & 1U) != 0U;
}

void guest_interrupt(uint32_t intid)
{
    if (intid == UART_INTID) {
        devices_taken[0] = devices_taken[0] + 1U;
        pl011_interrupt(devices_taken[0]);
    } else if (intid == RTC_INTID) {
        devices_taken[1] = devices_taken[1] + 1U;
        pl031_interrupt(devices_taken[1]);
    } else if (intid == GPIO_INTID) {
        devices_taken[2] = devices_taken[2] + 1U;
        pl061_interrupt(devices_taken[2]);
    } else if (intid == WDOG_INTID) {
        devices_taken[3] = devices_taken[3] + 1U;
        sp805_interrupt(devices_taken[3]);
    }
}

void check_identification(const char *name, uint64_t base, const uint8_t ids[8], uint8_t revision)
{
    for (uint64_t n = 0; n < 8U; n++) {
        uint64_t at = base + 0xfe0U + 4U * n;
        uint32_t ignored = n == 2U ? revision : 0U; /* PeriphID2 [7:4] counts revisions */

        check_equal_at(name, at, guest_read32(at) & ~ignored, ids[n]);
        guest_write32(at, UINT32_MAX);
        check_equal_at(name, at, guest_read32(at) & ~ignored, ids[n]);
    }
}

void check_reset_values(uint64_t base, const struct devices_register *registers, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        const struct devices_register *r = &registers[n];

        check_equal(r->name, guest_read32(base + r->offset) & r->known, r->reset);
    }
}

/* Ones, zeros and two patterns: what is reserved reads as zero, what is read-only does not move. */
void check_storage(uint64_t base, const struct devices_register *registers, unsigned count)
{
    static const uint32_t patterns[] = {UINT32_MAX, 0, 0x5a5aa5a5U, 0xa5a55a5aU};

    for (unsigned n = 0; n < count; n++) {
        const struct devices_register *r = &registers[n];
        uint32_t before = guest_read32(base + r->offset);

        for (unsigned p = 0; p < 4U && r->writable != 0U; p++) {
            guest_write32(base + r->offset, patterns[p]);
            check_equal_at(r->name, patterns[p], guest_read32(base + r->offset), patterns[p] & r->writable);
        }
        guest_write32(base + r->offset, before);
        check_equal(r->name, guest_read32(base + r->offset), before);
    }
}

void check_reserved(const char *name, uint64_t base, uint32_t from, uint32_t to)
{
    for (uint64_t at = base + from; at < base + to; at += 4U) {
        guest_write32(at, UINT32_MAX);
        check_equal_at(name, at, guest_read32(at), 0);
    }
    check_no_fault(name);
}

void guest_main(uint64_t device_tree)
{
    (void)device_tree;
    guest_gic_init();
    if (guest_gic_version() == 3U) {
        guest_write32(GUEST_GICD + 0x84U, UINT32_MAX); /* GICD_IGROUPR1: Group 1, which is the IRQ */
    }
    guest_gic_enable(UART_INTID);
    guest_gic_enable(RTC_INTID);
    check_pl011();
    check_pl031();
    check_pl061();
    check_sp805();
    check_no_fault("no access of a device faulted");
    (void)check_end("DEVICES");
}
