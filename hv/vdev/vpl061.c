/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/vpl061.h"

#include <stddef.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>
#include <libbase/nospec.h>

/* DDI 0190 3.2, table 3-1. GPIODATA is at 0x000 to 0x3fc. */
#define GPIODIR   0x400U
#define GPIORIS   0x414U
#define GPIOMIS   0x418U
#define GPIOIC    0x41cU
#define GPIOAFSEL 0x420U
#define ID_BASE   0xfe0U

#define FRAME_SIZE 0x1000U

/* GPIOPeriphID0..3, GPIOPCellID0..3 (3.3.11, 3.3.12). */
static const uint8_t ids[] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

/* The registers from GPIODIR on that read as they were written: where in struct hv_vpl061; 0: not one of those. */
static const size_t plain[] = {
    offsetof(struct hv_vpl061, direction),
    offsetof(struct hv_vpl061, sense),
    offsetof(struct hv_vpl061, both_edges),
    offsetof(struct hv_vpl061, event),
    offsetof(struct hv_vpl061, enable),
    0,
    0,
    0,
    offsetof(struct hv_vpl061, function),
};

/** GPIORIS: edges are kept, a level lasts as long as it is there (3.3.7, 3.3.9). */
static uint8_t raw(const struct hv_vpl061 *gpio)
{
    unsigned levels = ~((unsigned)gpio->pins ^ gpio->event) & gpio->sense & ~(unsigned)gpio->direction;

    return (uint8_t)(levels | (gpio->edges & ~(unsigned)gpio->sense));
}

static void tell(struct hv_vpl061 *gpio)
{
    bool line = (raw(gpio) & gpio->enable) != 0U;

    if (line != gpio->line) {
        gpio->line = line;
        gpio->ops->set_irq(gpio->ctx, line);
    }
}

void hv_vpl061_init(struct hv_vpl061 *gpio, const struct hv_vpl061_ops *ops, void *ctx)
{
    *gpio = (struct hv_vpl061){.ops = ops, .ctx = ctx};
}

void hv_vpl061_reset(struct hv_vpl061 *gpio)
{
    struct hv_vpl061 fresh = {.ops = gpio->ops, .ctx = gpio->ctx, .pins = gpio->pins, .line = gpio->line};

    *gpio = fresh;
    tell(gpio);
}

void hv_vpl061_drive(struct hv_vpl061 *gpio, unsigned pin, bool level)
{
    unsigned bit = 1U << (pin % HV_VPL061_PINS);
    unsigned pins = level ? gpio->pins | bit : gpio->pins & ~bit;
    unsigned changed = pins ^ gpio->pins;
    unsigned wanted = gpio->both_edges | (level ? gpio->event : ~(unsigned)gpio->event);

    gpio->pins = (uint8_t)pins;
    gpio->edges |= (uint8_t)(changed & wanted & ~(unsigned)gpio->direction & ~(unsigned)gpio->sense);
    tell(gpio);
}

bool hv_vpl061_is_pending(const struct hv_vpl061 *gpio, unsigned pin)
{
    return ((unsigned)raw(gpio) & gpio->enable & (1U << (pin % HV_VPL061_PINS))) != 0U;
}

/** Where the plain register at @offset is kept; NULL: it is none. */
static uint8_t *plain_at(struct hv_vpl061 *gpio, uint64_t offset)
{
    uint64_t index = (offset - GPIODIR) / 4U;

    if (index >= ASH_ARRAY_SIZE(plain)) {
        return NULL;
    }
    index = ash_index_nospec(index, ASH_ARRAY_SIZE(plain));
    return plain[index] != 0U ? (uint8_t *)gpio + plain[index] : NULL;
}

static uint32_t read(struct hv_vpl061 *gpio, uint64_t offset)
{
    const uint8_t *kept = plain_at(gpio, offset);

    if (offset < GPIODIR) {
        unsigned levels = (gpio->data & gpio->direction) | (gpio->pins & ~(unsigned)gpio->direction);

        return levels & (uint32_t)(offset >> 2);
    }
    if (kept != NULL) {
        return *kept;
    }
    if (offset == GPIORIS) {
        return raw(gpio);
    }
    if (offset == GPIOMIS) {
        return (uint32_t)raw(gpio) & gpio->enable;
    }
    return offset >= ID_BASE ? ids[ash_index_nospec((offset - ID_BASE) / 4U, sizeof(ids))] : 0U;
}

static void write(struct hv_vpl061 *gpio, uint64_t offset, uint32_t value)
{
    uint8_t *kept = plain_at(gpio, offset);

    if (offset < GPIODIR) {
        /* Only a pin that is an output already takes what is written (3.3.1): drivers set GPIODIR, then write. */
        unsigned mask = (unsigned)(offset >> 2) & gpio->direction;

        gpio->data = (uint8_t)((gpio->data & ~mask) | (value & mask));
    } else if (kept != NULL) {
        *kept = (uint8_t)value;
    } else if (offset == GPIOIC) {
        gpio->edges &= (uint8_t)~value;
    }
}

int hv_vpl061_access(struct hv_vpl061 *gpio, uint64_t offset, unsigned size, bool is_write, uint64_t *value)
{
    bool is_register = offset < FRAME_SIZE && offset % 4U == 0U && (size == 1U || size == 2U || size == 4U);

    if (!is_write) {
        *value = is_register ? read(gpio, offset) : 0U; /* a register is 8 bits wide: in any lane */
    } else if (is_register) {
        write(gpio, offset, (uint32_t)(*value & 0xffU));
        tell(gpio);
    }
    return ASH_OK;
}
