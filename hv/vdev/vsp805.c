/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/vsp805.h"

#include <libbase/errors.h>
#include <libbase/nospec.h>

/* DDI 0270 3.2, table 3-1. */
#define WDOGLOAD    0x000U
#define WDOGVALUE   0x004U
#define WDOGCONTROL 0x008U
#define WDOGINTCLR  0x00cU
#define WDOGRIS     0x010U
#define WDOGMIS     0x014U
#define WDOGLOCK    0xc00U
#define ID_BASE     0xfe0U

#define INTEN (1U << 0)
#define RESEN (1U << 1)

#define UNLOCK     0x1acce551U
#define FRAME_SIZE 0x1000U

/* WdogPeriphID0..3, WdogPCellID0..3 (3.3.9, 3.3.10). */
static const uint8_t ids[] = {0x05, 0x18, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static bool is_running(const struct hv_vsp805 *wdog)
{
    return (wdog->control & INTEN) != 0U && !wdog->has_expired;
}

static bool is_interrupting(const struct hv_vsp805 *wdog)
{
    return wdog->raw && (wdog->control & INTEN) != 0U;
}

static void tell(struct hv_vsp805 *wdog)
{
    bool line = is_interrupting(wdog);

    if (line != wdog->line) {
        wdog->line = line;
        wdog->ops->set_irq(wdog->ctx, line);
    }
}

static void power_on(struct hv_vsp805 *wdog)
{
    wdog->load = UINT32_MAX;
    wdog->value = UINT32_MAX;
}

void hv_vsp805_init(struct hv_vsp805 *wdog, const struct hv_vsp805_ops *ops, void *ctx)
{
    *wdog = (struct hv_vsp805){.ops = ops, .ctx = ctx};
    power_on(wdog);
}

void hv_vsp805_reset(struct hv_vsp805 *wdog)
{
    *wdog = (struct hv_vsp805){.ops = wdog->ops, .ctx = wdog->ctx, .seen = wdog->seen, .line = wdog->line};
    power_on(wdog);
    tell(wdog);
}

/** From one 0 to the next: the clock after a 0 loads the counter (2.1). */
static uint64_t period(const struct hv_vsp805 *wdog)
{
    return UINT64_C(1) + (wdog->load != 0U ? wdog->load : 1U);
}

/** The counter stands at WdogLoad now. */
static void reload(struct hv_vsp805 *wdog)
{
    wdog->value = (uint32_t)(period(wdog) - 1U);
    wdog->zero_at = wdog->seen + period(wdog) - 1U;
}

static void expire(struct hv_vsp805 *wdog)
{
    wdog->has_expired = true;
    wdog->value = 0;
}

/** The counter has been 0 at @wdog->zero_at, which is not behind @now, and perhaps again since. */
static void pass_zeros(struct hv_vsp805 *wdog, uint64_t now)
{
    if (!wdog->raw) {
        wdog->raw = true;
        wdog->zero_at += period(wdog);
    }
    if (now < wdog->zero_at) {
        return;
    }
    if ((wdog->control & RESEN) != 0U) {
        expire(wdog);
    } else {
        wdog->zero_at += ((now - wdog->zero_at) / period(wdog) + 1U) * period(wdog);
    }
}

void hv_vsp805_update(struct hv_vsp805 *wdog, uint64_t now)
{
    if (now > wdog->seen) {
        wdog->seen = now;
    }
    if (is_running(wdog) && wdog->seen >= wdog->zero_at) {
        pass_zeros(wdog, wdog->seen);
    }
    tell(wdog);
}

bool hv_vsp805_deadline(const struct hv_vsp805 *wdog, uint64_t *deadline)
{
    *deadline = is_running(wdog) ? wdog->zero_at : UINT64_MAX;
    return is_running(wdog);
}

void hv_vsp805_skip(struct hv_vsp805 *wdog, uint64_t now)
{
    if (now > wdog->seen) {
        wdog->zero_at += now - wdog->seen;
        wdog->seen = now;
    }
}

static uint32_t counter(const struct hv_vsp805 *wdog)
{
    uint64_t left = wdog->zero_at - wdog->seen;

    if (!is_running(wdog)) {
        return wdog->value;
    }
    return left < period(wdog) ? (uint32_t)left : 0U; /* in the clock of a 0 it is that still */
}

static uint32_t read(const struct hv_vsp805 *wdog, uint64_t offset)
{
    switch (offset) {
    case WDOGLOAD:
        return wdog->load;
    case WDOGVALUE:
        return counter(wdog);
    case WDOGCONTROL:
        return wdog->control;
    case WDOGRIS:
        return wdog->raw ? 1U : 0U;
    case WDOGMIS:
        return is_interrupting(wdog) ? 1U : 0U;
    case WDOGLOCK:
        return wdog->is_locked ? 1U : 0U;
    default:
        return offset >= ID_BASE ? ids[ash_index_nospec((offset - ID_BASE) / 4U, sizeof(ids))] : 0U;
    }
}

static void control(struct hv_vsp805 *wdog, uint32_t value)
{
    bool ran = is_running(wdog);

    if (ran && (value & INTEN) == 0U) {
        wdog->value = counter(wdog);
    }
    wdog->control = value & (INTEN | RESEN);
    if (!ran && is_running(wdog)) {
        reload(wdog); /* 3.3.3: enabled after it was disabled */
    }
}

static void write(struct hv_vsp805 *wdog, uint64_t offset, uint32_t value)
{
    if (offset == WDOGLOCK) {
        wdog->is_locked = value != UNLOCK;
        return;
    }
    if (wdog->is_locked) {
        return;
    }
    switch (offset) {
    case WDOGLOAD:
        wdog->load = value;
        reload(wdog);
        break;
    case WDOGCONTROL:
        control(wdog, value);
        break;
    case WDOGINTCLR:
        wdog->raw = false;
        reload(wdog);
        break;
    default:
        break;
    }
}

int hv_vsp805_access(struct hv_vsp805 *wdog, uint64_t now, uint64_t offset, unsigned size, bool is_write,
                     uint64_t *value)
{
    bool is_register = offset < FRAME_SIZE && offset % 4U == 0U && (size == 1U || size == 2U || size == 4U);
    uint64_t lanes = size < 8U ? (UINT64_C(1) << (8U * size)) - 1U : UINT64_MAX;

    hv_vsp805_update(wdog, now);
    if (!is_write) {
        *value = is_register ? read(wdog, offset) & lanes : 0U;
    } else if (is_register) {
        write(wdog, offset, (uint32_t)(*value & lanes));
        tell(wdog);
    }
    return ASH_OK;
}
