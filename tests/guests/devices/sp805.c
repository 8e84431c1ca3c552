/* SPDX-License-Identifier: BSD-2-Clause */
/* DDI 0270 B. Its second zero, which ends the VM, is not for this guest. WDOGCLK has 24 MHz. */
#include "common/check.h"
#include "common/guest.h"
#include "devices/devices.h"

#define LOAD    (GUEST_WDOG + 0x000U)
#define VALUE   (GUEST_WDOG + 0x004U)
#define CONTROL (GUEST_WDOG + 0x008U)
#define INTCLR  (GUEST_WDOG + 0x00cU)
#define RIS     (GUEST_WDOG + 0x010U)
#define MIS     (GUEST_WDOG + 0x014U)
#define LOCK    (GUEST_WDOG + 0xc00U)

#define INTEN 1U
#define KEY   0x1acce551U
#define MS    24000U

/* Table 3-1. WdogControl and WdogLock have checks of their own: one is not to be set and nobody looking, the other
 * reads as something else than was written. */
static const struct devices_register registers[] = {
    {"WdogLoad", 0x00, UINT32_MAX, UINT32_MAX, UINT32_MAX},
    {"WdogValue", 0x04, UINT32_MAX, UINT32_MAX, 0},
    {"WdogControl", 0x08, UINT32_MAX, 0, 0},
    {"WdogRIS", 0x10, UINT32_MAX, 0, 0},
    {"WdogMIS", 0x14, UINT32_MAX, 0, 0},
};
static const uint8_t ids[8] = {0x05, 0x18, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static uint64_t now(void)
{
    return guest_sysreg_read(cntvct_el0);
}

static void check_lock(void)
{
    guest_write32(LOCK, 0);
    check_equal("locked", guest_read32(LOCK), 1);
    guest_write32(LOAD, 5);
    guest_write32(CONTROL, 3);
    check_equal("... WdogLoad cannot be written", guest_read32(LOAD), UINT32_MAX);
    check_equal("... nor WdogControl", guest_read32(CONTROL), 0);
    guest_write32(LOCK, KEY);
    check_equal("open again", guest_read32(LOCK), 0);
}

static void check_counter(void)
{
    uint64_t hz = guest_sysreg_read(cntfrq_el0);
    uint64_t begin[2];
    uint64_t end[2];
    uint64_t ran;

    guest_write32(LOAD, 1000U * MS);
    check_equal("not enabled: it stands", guest_read32(VALUE), 1000U * MS);
    begin[0] = now();
    guest_write32(CONTROL, INTEN);
    begin[1] = now();
    while (now() - begin[1] < hz / 10U) {
        __asm__ volatile("yield");
    }
    end[0] = now();
    ran = 1000U * MS - guest_read32(VALUE);
    end[1] = now();
    check("it counts 24 MHz by the generic timer's time",
          (ran + 1U) * hz >= (end[0] - begin[1]) * 24000000U &&
              (ran - 1U) * hz <= (end[1] - begin[0]) * 24000000U);
    guest_write32(INTCLR, 0);
    check("WdogIntClr loads it anew", guest_read32(VALUE) > 900U * MS);
    guest_write32(CONTROL, 0);
    ran = guest_read32(VALUE);
    check_equal("disabled: it stands where it was", guest_read32(VALUE), ran);
}

void sp805_interrupt(uint64_t times)
{
    if (times == 2U) {
        guest_write32(INTCLR, 1);
    }
}

static void check_interrupt(void)
{
    uint64_t begin;

    guest_gic_enable(WDOG_INTID);
    guest_irq_unmask();
    guest_write32(LOAD, 50U * MS);
    begin = now();
    guest_write32(CONTROL, INTEN);
    (void)check_wait(&devices_taken[3], 2);
    check("the interrupt comes when the counter is 0, not before",
          now() - begin >= guest_sysreg_read(cntfrq_el0) / 20U);
    check_equal("... again until it is cleared", devices_taken[3], 2);
    check_equal("cleared: WdogRIS", guest_read32(RIS), 0);
    guest_write32(CONTROL, 0);
    check_equal("WdogMIS", guest_read32(MIS), 0);
}

void check_sp805(void)
{
    check_reset_values(GUEST_WDOG, registers, sizeof(registers) / sizeof(registers[0]));
    check_storage(GUEST_WDOG, registers, sizeof(registers) / sizeof(registers[0]));
    check_identification("WdogPeriphID, WdogPCellID", GUEST_WDOG, ids, 0xf0);
    check_reserved("0x018 to 0xbfc is reserved", GUEST_WDOG, 0x18, 0xc00);
    guest_write32(LOAD, UINT32_MAX);
    check_lock();
    check_counter();
    check_interrupt();
}
