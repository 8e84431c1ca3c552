/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/bcm_systimer.h"

#include <libbase/nospec.h>

/* BCM2835 ARM Peripherals 12.1. */
#define CS  0x00U
#define CLO 0x04U
#define CHI 0x08U
#define C0  0x0cU

#define CS_MATCHES 0xfU

/** Microseconds from the time of the last call to the match of @channel, 1..2^32. */
static uint64_t ahead(const struct hv_bcm_systimer *timer, unsigned channel)
{
    return (uint32_t)(timer->compare[channel] - (uint32_t)timer->seen - 1U) + UINT64_C(1);
}

void hv_bcm_systimer_reset(struct hv_bcm_systimer *timer, uint64_t now)
{
    *timer = (struct hv_bcm_systimer){.seen = now};
}

void hv_bcm_systimer_update(struct hv_bcm_systimer *timer, uint64_t now)
{
    if (now <= timer->seen) {
        return;
    }
    for (unsigned i = 0; i < HV_BCM_SYSTIMER_CHANNELS; i++) {
        timer->matched |= now - timer->seen >= ahead(timer, i) ? 1U << i : 0U;
    }
    timer->seen = now;
}

static uint64_t channel_of(uint64_t offset)
{
    return offset >= C0 && offset % 4U == 0U ? (offset - C0) / 4U : UINT64_MAX;
}

uint32_t hv_bcm_systimer_read(const struct hv_bcm_systimer *timer, uint64_t now, uint64_t offset)
{
    uint64_t channel = channel_of(offset);

    switch (offset) {
    case CS:
        return timer->matched;
    case CLO:
        return (uint32_t)now;
    case CHI:
        return (uint32_t)(now >> 32);
    default:
        return channel < HV_BCM_SYSTIMER_CHANNELS
                   ? timer->compare[ash_index_nospec(channel, HV_BCM_SYSTIMER_CHANNELS)]
                   : 0U;
    }
}

void hv_bcm_systimer_write(struct hv_bcm_systimer *timer, uint64_t now, uint64_t offset, uint32_t value)
{
    uint64_t channel = channel_of(offset);

    if (offset == CS) {
        timer->matched &= ~(value & CS_MATCHES);
    } else if (channel < HV_BCM_SYSTIMER_CHANNELS) {
        channel = ash_index_nospec(channel, HV_BCM_SYSTIMER_CHANNELS);
        timer->compare[channel] = value;
        timer->matched |= value == (uint32_t)now ? 1U << channel : 0U;
    }
}

uint64_t hv_bcm_systimer_deadline(const struct hv_bcm_systimer *timer, unsigned channel)
{
    return (timer->matched >> channel & 1U) != 0U ? UINT64_MAX : timer->seen + ahead(timer, channel);
}
