/* SPDX-License-Identifier: BSD-2-Clause */
/* DDI 0190 B. Nobody presses the key here: every pin is a low input. A low level and a change of what counts as one are
 * what can be seen of interrupts. */
#include "common/check.h"
#include "common/guest.h"
#include "devices/devices.h"

#define DATA (GUEST_GPIO + 0x3fcU)
#define DIR  (GUEST_GPIO + 0x400U)
#define IS   (GUEST_GPIO + 0x404U)
#define IEV  (GUEST_GPIO + 0x40cU)
#define IE   (GUEST_GPIO + 0x410U)
#define RIS  (GUEST_GPIO + 0x414U)
#define MIS  (GUEST_GPIO + 0x418U)
#define IC   (GUEST_GPIO + 0x41cU)

#define KEY 0x08U

/* Table 3-1. */
static const struct devices_register registers[] = {
    {"GPIODATA", 0x3fc, UINT32_MAX, 0, 0},     {"GPIODIR", 0x400, UINT32_MAX, 0, 0xff},
    {"GPIOIS", 0x404, UINT32_MAX, 0, 0xff},    {"GPIOIBE", 0x408, UINT32_MAX, 0, 0xff},
    {"GPIOIEV", 0x40c, UINT32_MAX, 0, 0xff},   {"GPIOIE", 0x410, UINT32_MAX, 0, 0},
    {"GPIORIS", 0x414, UINT32_MAX, 0, 0},      {"GPIOMIS", 0x418, UINT32_MAX, 0, 0},
    {"GPIOAFSEL", 0x420, UINT32_MAX, 0, 0xff},
};
static const uint8_t ids[8] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static void check_data(void)
{
    guest_write32(DATA, 0xff);
    check_equal("inputs cannot be written", guest_read32(DATA), 0);
    guest_write32(DIR, 0xf0);
    guest_write32(DATA, 0xff);
    check_equal("outputs can", guest_read32(DATA), 0xf0);
    guest_write32(GUEST_GPIO + (0x30U << 2), 0);
    check_equal("the address says which of them", guest_read32(DATA), 0xc0);
    check_equal("... of a read too", guest_read32(GUEST_GPIO + (0x50U << 2)), 0x40);
    guest_write32(DATA, 0);
    guest_write32(DIR, 0);
}

static void check_level(void)
{
    guest_write32(IS, KEY);
    check_equal("a low level is the event: raw", guest_read32(RIS), KEY);
    check_equal("masked: not in GPIOMIS", guest_read32(MIS), 0);
    check("... and not at the line", !devices_line(GPIO_INTID));
    guest_write32(IE, KEY);
    check_equal("not masked: in GPIOMIS", guest_read32(MIS), KEY);
    check("... and at the line", devices_line(GPIO_INTID));
    guest_write32(IC, 0xff);
    check_equal("GPIOIC does not clear a level", guest_read32(RIS), KEY);
    guest_write32(IEV, KEY);
    check_equal("a high level is the event: over", guest_read32(RIS), 0);
    check("... at the line too", !devices_line(GPIO_INTID));
}

void pl061_interrupt(uint64_t times)
{
    if (times == 2U) {
        guest_write32(IE, 0);
    }
}

static void check_interrupt(void)
{
    guest_gic_enable(GPIO_INTID);
    guest_irq_unmask();
    guest_write32(IEV, 0);
    (void)check_wait(&devices_taken[2], 2);
    check_equal("the interrupt comes, and again until it is masked", devices_taken[2], 2);
    guest_write32(IS, 0);
    check_equal("no edge was seen", guest_read32(RIS), 0);
}

void check_pl061(void)
{
    check_reset_values(GUEST_GPIO, registers, sizeof(registers) / sizeof(registers[0]));
    check_storage(GUEST_GPIO, registers, sizeof(registers) / sizeof(registers[0]));
    check_identification("GPIOPeriphID, GPIOPCellID", GUEST_GPIO, ids, 0xf0);
    check_reserved("0x424 to 0xfdc is reserved", GUEST_GPIO, 0x424, 0xfe0);
    check_data();
    check_level();
    check_interrupt();
}
