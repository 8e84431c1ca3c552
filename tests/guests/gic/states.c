/* SPDX-License-Identifier: BSD-2-Clause */
/* Pending and active by registers, edge and level. IHI 0069 4.1.2, 12.9; IHI 0048B 3.2.4, 4.3.7..4.3.10. */
#include "common/check.h"
#include "common/gic.h"
#include "common/guest.h"
#include "gic/topic.h"

#define IRQ 60U

static void expect(const char *name, uint32_t intid, bool pending, bool active, bool signalled)
{
    check_equal(name,
                ((uint64_t)gic_reads(GIC_PEND, intid) << 8) |
                    ((uint64_t)gic_reads(GIC_ACTIVATE, intid) << 4) | gic_signalled(),
                ((uint64_t)pending << 8) | ((uint64_t)active << 4) | signalled);
}

/** Without a line: what software makes pending, of either kind. */
static void check_by_registers(bool edge)
{
    gic_set_edge(IRQ, edge);
    gic_set_priority(IRQ, 0x80);
    gic_bit(GIC_PEND, IRQ);
    expect("pending, not enabled", IRQ, true, false, false);
    gic_bit(GIC_ENABLE, IRQ);
    expect("pending, enabled", IRQ, true, false, true);
    gic_bit(GIC_UNPEND, IRQ);
    expect("pending taken back", IRQ, false, false, false);
    check_equal("IAR of nothing", gic_iar(), GIC_SPURIOUS);
    gic_bit(GIC_PEND, IRQ);
    gic_bit(GIC_DISABLE, IRQ);
    expect("pending, disabled again", IRQ, true, false, false);
    gic_bit(GIC_ENABLE, IRQ);
    check_equal("IAR", gic_iar(), IRQ);
    expect("active", IRQ, false, true, false);
    gic_bit(GIC_PEND, IRQ);
    expect("active and pending", IRQ, true, true, false);
    gic_bit(GIC_UNPEND, IRQ);
    expect("active, pending taken back", IRQ, false, true, false);
    gic_bit(GIC_PEND, IRQ);
    gic_eoir(IRQ);
    expect("pending again after EOI", IRQ, true, false, true);
    check_equal("IAR again", gic_iar(), IRQ);
    gic_eoir(IRQ);
    expect("idle", IRQ, false, false, false);
    gic_bit(GIC_ACTIVATE, IRQ);
    gic_bit(GIC_PEND, IRQ);
    expect("made active, then pending", IRQ, true, true, false);
    check_equal("no priority runs for that", gic_rpr(), GIC_IDLE);
    gic_bit(GIC_RETIRE, IRQ);
    expect("made inactive", IRQ, true, false, true);
    check_equal("IAR after that", gic_iar(), IRQ);
    gic_eoir(IRQ);
    gic_bit(GIC_DISABLE, IRQ);
}

/** ICACTIVER instead of DIR. */
static void check_retired(void)
{
    gic_set_split(true);
    gic_set_edge(IRQ, true);
    gic_bit(GIC_ENABLE, IRQ);
    gic_bit(GIC_PEND, IRQ);
    check_equal("IAR", gic_iar(), IRQ);
    gic_eoir(IRQ);
    expect("dropped", IRQ, false, true, false);
    gic_bit(GIC_RETIRE, IRQ);
    expect("retired by ICACTIVER", IRQ, false, false, false);
    gic_bit(GIC_PEND, IRQ);
    expect("it can come again", IRQ, true, false, true);
    check_equal("IAR", gic_iar(), IRQ);
    gic_eoir(IRQ);
    gic_dir(IRQ);
    expect("idle", IRQ, false, false, false);
    gic_bit(GIC_DISABLE, IRQ);
    gic_set_split(false);
}

/** The group's enable and the distributor's. */
static void check_gates(void)
{
    uint32_t ctlr = guest_read32(GUEST_GICD);

    gic_bit(GIC_ENABLE, IRQ);
    gic_bit(GIC_PEND, IRQ);
    guest_write32(GUEST_GICD, ctlr & ~3U);
    while (gic_v3 && (guest_read32(GUEST_GICD) & (1U << 31)) != 0U) {
        __asm__ volatile("yield");
    }
    expect("GICD_CTLR closes the group", IRQ, true, false, false);
    guest_write32(GUEST_GICD, ctlr);
    expect("... and opens it", IRQ, true, false, true);
    if (gic_v3) {
        guest_sysreg_write(S3_0_C12_C12_7, 0);
        expect("ICC_IGRPEN1 closes the group", IRQ, true, false, false);
        guest_sysreg_write(S3_0_C12_C12_7, 1);
    } else {
        guest_write32(GUEST_GICC, 0);
        expect("GICC_CTLR closes the group", IRQ, true, false, false);
        guest_write32(GUEST_GICC, 1);
    }
    expect("... and opens it", IRQ, true, false, true);
    check_equal("IAR", gic_iar(), IRQ);
    gic_eoir(IRQ);
    gic_bit(GIC_DISABLE, IRQ);
}

/* ---- A line: the virtual timer's (a PPI), the PL031's (an SPI) --------------------------------------------------- */

static void timer_line(bool high)
{
    guest_sysreg_write(cntv_cval_el0, high ? 0U : UINT64_MAX);
    guest_sysreg_write(cntv_ctl_el0, 1);
}

static void rtc_line(bool high)
{
    guest_write32(GUEST_RTC + 0x10U, high ? 1U : 0U); /* RTCIMSC; RTCRIS is 1 */
}

/** The line comes to the interface in finite time, no manual says which. */
static void expect_soon(const char *name, uint32_t intid, bool pending, bool active, bool signalled)
{
    for (unsigned n = 0; n < 10000U && gic_reads(GIC_PEND, intid) != pending; n++) {
        __asm__ volatile("yield");
    }
    expect(name, intid, pending, active, signalled);
}

static void check_line(uint32_t intid, void (*line)(bool high))
{
    line(false);
    gic_set_priority(intid, 0x80);
    gic_bit(GIC_ENABLE, intid);
    expect_soon("low", intid, false, false, false);
    line(true);
    expect_soon("high", intid, true, false, true);
    gic_bit(GIC_UNPEND, intid);
    expect_soon("ICPENDR does not lower a line", intid, true, false, true);
    check_equal("IAR", gic_iar(), intid);
    check_equal("active", gic_reads(GIC_ACTIVATE, intid), 1);
    check_equal("not signalled while it is", gic_signalled(), 0);
    gic_eoir(intid);
    expect_soon("still high: pending again", intid, true, false, true);
    check_equal("IAR", gic_iar(), intid);
    line(false);
    gic_eoir(intid);
    expect_soon("lowered in the handler: idle", intid, false, false, false);
}

/** Not for the timer: docs/guest-machine.md says that its interrupt outlives its line. */
static void check_fallen_line(uint32_t intid, void (*line)(bool high))
{
    line(true);
    expect_soon("high", intid, true, false, true);
    line(false);
    expect_soon("low before it was acknowledged", intid, false, false, false);
    check_equal("IAR of nothing", gic_iar(), GIC_SPURIOUS);
    line(true);
    expect_soon("high", intid, true, false, true);
    gic_bit(GIC_DISABLE, intid);
    expect_soon("disabled: pending, not signalled", intid, true, false, false);
    line(false);
    expect_soon("low", intid, false, false, false);
}

static void check_lines(void)
{
    check_line(GUEST_VTIMER_INTID, timer_line);
    gic_bit(GIC_DISABLE, GUEST_VTIMER_INTID);
    guest_sysreg_write(cntv_ctl_el0, 0);
    if (!gic_v3) {
        *(volatile uint8_t *)(uintptr_t)(GUEST_GICD + 0x800U + GIC_RTC) = 1;
    }
    guest_write32(GUEST_RTC + 0x10U, 1);
    guest_write32(GUEST_RTC + 4U, guest_read32(GUEST_RTC) + 1U);
    for (uint64_t n = 0; (guest_read32(GUEST_RTC + 0x14U) & 1U) == 0U && n < 100000000U; n++) {
        __asm__ volatile("yield");
    }
    check_equal("the alarm", guest_read32(GUEST_RTC + 0x14U), 1);
    check_line(GIC_RTC, rtc_line);
    check_fallen_line(GIC_RTC, rtc_line);
    guest_write32(GUEST_RTC + 0x1cU, 1);
}

void gic_check_states(void)
{
    gic_quiet();
    check_by_registers(true);
    check_by_registers(false);
    check_retired();
    check_gates();
    check_lines();
}
