/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/vpl031.h"

#include <stddef.h>

#include <libbase/errors.h>
#include <libbase/nospec.h>

/* DDI 0224 3.2, table 3-1. */
#define RTCDR   0x000U
#define RTCMR   0x004U
#define RTCLR   0x008U
#define RTCCR   0x00cU
#define RTCIMSC 0x010U
#define RTCRIS  0x014U
#define RTCMIS  0x018U
#define RTCICR  0x01cU
#define ID_BASE 0xfe0U

#define FRAME_SIZE 0x1000U

/* RTCPeriphID0..3, RTCPCellID0..3 (3.3.9, 3.3.10). */
static const uint8_t ids[] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static void tell(struct hv_vpl031 *rtc)
{
    bool line = rtc->raw && rtc->mask;

    if (line != rtc->line) {
        rtc->line = line;
        rtc->ops->set_irq(rtc->ctx, line);
    }
}

void hv_vpl031_init(struct hv_vpl031 *rtc, const struct hv_vpl031_ops *ops, void *ctx)
{
    *rtc = (struct hv_vpl031){.ops = ops, .ctx = ctx};
}

void hv_vpl031_reset(struct hv_vpl031 *rtc)
{
    /* The battery-backed part goes on: the time that the guest set stays (@offset, @load). */
    rtc->match = 0;
    rtc->mask = false;
    rtc->raw = false;
    rtc->has_seen = false;
    tell(rtc);
}

static uint32_t counter_at(const struct hv_vpl031 *rtc, uint64_t now)
{
    return (uint32_t)now + rtc->offset;
}

void hv_vpl031_update(struct hv_vpl031 *rtc, uint64_t now)
{
    if (!rtc->has_seen) {
        rtc->has_seen = true;
        rtc->seen = now;
    }
    if (now > rtc->seen) {
        /* Did the counter pass the match in (seen, now]? Seconds from `seen` to the match, 1..2^32. */
        uint64_t ahead = (uint32_t)(rtc->match - counter_at(rtc, rtc->seen) - 1U) + UINT64_C(1);

        rtc->raw = rtc->raw || now - rtc->seen >= ahead;
        rtc->seen = now;
    }
    tell(rtc);
}

bool hv_vpl031_deadline(const struct hv_vpl031 *rtc, uint64_t now, uint64_t *deadline)
{
    *deadline = UINT64_MAX;
    if (!rtc->mask || rtc->raw) {
        return false;
    }
    *deadline = now + (uint32_t)(rtc->match - counter_at(rtc, now) - 1U) + UINT64_C(1);
    return true;
}

static uint32_t read(const struct hv_vpl031 *rtc, uint64_t now, uint64_t offset)
{
    switch (offset) {
    case RTCDR:
        return counter_at(rtc, now);
    case RTCMR:
        return rtc->match;
    case RTCLR:
        return rtc->load;
    case RTCCR:
        return 1;
    case RTCIMSC:
        return rtc->mask ? 1U : 0U;
    case RTCRIS:
        return rtc->raw ? 1U : 0U;
    case RTCMIS:
        return rtc->raw && rtc->mask ? 1U : 0U;
    default:
        return offset >= ID_BASE ? ids[ash_index_nospec((offset - ID_BASE) / 4U, sizeof(ids))] : 0U;
    }
}

/** The counter or the match was set: is it equal now (2.2.3 "the counter value matches")? */
static void compare(struct hv_vpl031 *rtc, uint64_t now)
{
    rtc->raw = rtc->raw || counter_at(rtc, now) == rtc->match;
}

static void write(struct hv_vpl031 *rtc, uint64_t now, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case RTCMR:
        rtc->match = value;
        compare(rtc, now);
        break;
    case RTCLR:
        rtc->load = value;
        rtc->offset = value - (uint32_t)now;
        compare(rtc, now);
        break;
    case RTCIMSC:
        rtc->mask = (value & 1U) != 0U;
        break;
    case RTCICR:
        rtc->raw = rtc->raw && (value & 1U) == 0U;
        break;
    default:
        break;
    }
}

int hv_vpl031_access(struct hv_vpl031 *rtc, uint64_t now, uint64_t offset, unsigned size, bool is_write,
                     uint64_t *value)
{
    bool is_register = offset < FRAME_SIZE && offset % 4U == 0U && (size == 1U || size == 2U || size == 4U);
    uint64_t lanes = size < 8U ? (UINT64_C(1) << (8U * size)) - 1U : UINT64_MAX;

    hv_vpl031_update(rtc, now);
    now = now > rtc->seen ? now : rtc->seen; /* time stands still rather than run backwards */
    if (!is_write) {
        *value = is_register ? read(rtc, now, offset) & lanes : 0U;
    } else if (is_register) {
        write(rtc, now, offset, (uint32_t)(*value & lanes));
        tell(rtc);
    }
    return ASH_OK;
}
