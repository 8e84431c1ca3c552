/* SPDX-License-Identifier: BSD-2-Clause */
#include "vdev/bcm_local.h"

#include <libbase/nospec.h>

/* QA7 rev 3.4, chapter 4 "Registers". */
#define CONTROL         0x00U
#define PRESCALER       0x08U
#define GPU_ROUTING     0x0cU
#define PMU_SET         0x10U
#define PMU_CLEAR       0x14U
#define COUNTER_LOW     0x1cU
#define COUNTER_HIGH    0x20U
#define LOCAL_ROUTING   0x24U
#define LOCAL_TIMER     0x34U
#define LOCAL_FLAGS     0x38U
#define TIMER_CONTROL   0x40U
#define MAILBOX_CONTROL 0x50U
#define IRQ_SOURCE      0x60U
#define FIQ_SOURCE      0x70U
#define MAILBOX_SET     0x80U
#define MAILBOX_CLEAR   0xc0U

#define CONTROL_BITS       0x300U
#define GPU_ROUTING_BITS   0xfU
#define PMU_BITS           0xffU
#define LOCAL_ROUTING_BITS 0x7U
#define LOCAL_TIMER_BITS   0x3fffffffU
#define PER_CORE_BITS      0xffU

#define LOCAL_TIMER_FLAG      (1U << 31)
#define LOCAL_TIMER_INTERRUPT (1U << 29)
#define LOCAL_TIMER_RUNS      (1U << 28)
#define LOCAL_TIMER_RELOAD    0x0fffffffU
#define LOCAL_FLAGS_CLEAR     (1U << 31)
#define LOCAL_FLAGS_RELOAD    (1U << 30)

#define SOURCE_MAILBOX 4U
#define SOURCE_GPU     (1U << 8)
#define SOURCE_LOCAL   (1U << 11)

#define CORE_MASK 3U /* of an offset / 4 in a row of registers, one a core */

void hv_bcm_local_reset(struct hv_bcm_local *local)
{
    *local = (struct hv_bcm_local){.control = 0};
}

/* ---- The local timer --------------------------------------------------------------------------------------------- */

static bool local_timer_runs(const struct hv_bcm_local *local)
{
    return (local->local_timer & LOCAL_TIMER_RUNS) != 0U;
}

/** It counts from the reload value down to 0: a reload value of 0 counts as 1. */
static uint64_t local_timer_period(const struct hv_bcm_local *local)
{
    uint32_t reload = local->local_timer & LOCAL_TIMER_RELOAD;

    return reload != 0U ? reload : 1U;
}

void hv_bcm_local_update(struct hv_bcm_local *local, uint64_t now)
{
    uint64_t period = local_timer_period(local);

    if (local_timer_runs(local) && now >= local->local_zero_at) {
        local->local_flag = true;
        local->local_zero_at += ((now - local->local_zero_at) / period + 1U) * period;
    }
}

uint64_t hv_bcm_local_deadline(const struct hv_bcm_local *local)
{
    bool listens = (local->local_timer & LOCAL_TIMER_INTERRUPT) != 0U && !local->local_flag;

    return local_timer_runs(local) && listens ? local->local_zero_at : UINT64_MAX;
}

static void write_local_timer(struct hv_bcm_local *local, uint64_t now, uint32_t value)
{
    bool ran = local_timer_runs(local);

    local->local_timer = value & LOCAL_TIMER_BITS;
    if (!ran) {
        local->local_zero_at = now + local_timer_period(local);
    }
}

static void write_local_flags(struct hv_bcm_local *local, uint64_t now, uint32_t value)
{
    if ((value & LOCAL_FLAGS_CLEAR) != 0U) {
        local->local_flag = false;
    }
    if ((value & LOCAL_FLAGS_RELOAD) != 0U) {
        local->local_zero_at = now + local_timer_period(local);
    }
}

/* ---- Sources ----------------------------------------------------------------------------------------------------- */

/** Of four sources those that @control sends on: [3:0] as IRQ, [7:4] as FIQ, which counts more. */
static uint32_t enabled(uint32_t control, bool fiq)
{
    return (fiq ? control >> 4 : control & ~(control >> 4)) & 0xfU;
}

static uint32_t full_mailboxes(const struct hv_bcm_local *local, unsigned core)
{
    uint32_t full = 0;

    for (unsigned i = 0; i < HV_BCM_LOCAL_MAILBOXES; i++) {
        full |= local->mailbox[core][i] != 0U ? 1U << i : 0U;
    }
    return full;
}

uint32_t hv_bcm_local_sources(const struct hv_bcm_local *local, unsigned core, bool fiq)
{
    uint32_t gpu_core = fiq ? local->gpu_routing >> 2 & 3U : local->gpu_routing & 3U;
    uint32_t local_to = local->local_routing & LOCAL_ROUTING_BITS; /* 0..3: IRQ of a core, 4..7: FIQ */
    uint32_t sources = local->timers[core] & enabled(local->timer_control[core], fiq);

    sources |= (full_mailboxes(local, core) & enabled(local->mailbox_control[core], fiq)) << SOURCE_MAILBOX;
    sources |= gpu_core == core && (fiq ? local->gpu_fiq : local->gpu_irq) ? SOURCE_GPU : 0U;
    if (local->local_flag && (local->local_timer & LOCAL_TIMER_INTERRUPT) != 0U &&
        local_to == core + (fiq ? 4U : 0U)) {
        sources |= SOURCE_LOCAL;
    }
    return sources;
}

unsigned hv_bcm_local_source_core(uint64_t offset)
{
    return offset >= IRQ_SOURCE && offset < MAILBOX_SET ? (unsigned)(offset / 4U & CORE_MASK) : HV_BCM_CORES;
}

/* ---- Registers --------------------------------------------------------------------------------------------------- */

static uint32_t read_row(const struct hv_bcm_local *local, uint64_t offset)
{
    unsigned core = (unsigned)(offset / 4U & CORE_MASK);

    switch (offset & ~UINT64_C(0xf)) {
    case TIMER_CONTROL:
        return local->timer_control[core];
    case MAILBOX_CONTROL:
        return local->mailbox_control[core];
    case IRQ_SOURCE:
        return hv_bcm_local_sources(local, core, false);
    case FIQ_SOURCE:
        return hv_bcm_local_sources(local, core, true);
    default:
        break;
    }
    if (offset >= MAILBOX_CLEAR && offset < HV_BCM_LOCAL_SIZE) {
        /* By core, then by mailbox: the row is the core. */
        return local->mailbox[ash_index_nospec((offset - MAILBOX_CLEAR) / 16U, HV_BCM_CORES)][core];
    }
    return 0; /* the set registers are write-only */
}

uint32_t hv_bcm_local_read(const struct hv_bcm_local *local, uint64_t counter, uint64_t offset)
{
    switch (offset) {
    case CONTROL:
        return local->control;
    case PRESCALER:
        return local->prescaler;
    case GPU_ROUTING:
        return local->gpu_routing;
    case PMU_SET:
        return local->pmu_routing;
    case COUNTER_LOW:
        return (uint32_t)counter;
    case COUNTER_HIGH:
        return (uint32_t)(counter >> 32);
    case LOCAL_ROUTING:
        return local->local_routing;
    case LOCAL_TIMER:
        return local->local_timer | (local->local_flag ? LOCAL_TIMER_FLAG : 0U);
    default:
        return read_row(local, offset);
    }
}

static void write_row(struct hv_bcm_local *local, uint64_t offset, uint32_t value)
{
    unsigned core = (unsigned)(offset / 4U & CORE_MASK);

    if (offset >= MAILBOX_SET && offset < HV_BCM_LOCAL_SIZE) {
        uint64_t row = (offset - MAILBOX_SET) / 16U % HV_BCM_CORES;
        uint32_t *mailbox = &local->mailbox[ash_index_nospec(row, HV_BCM_CORES)][core];

        *mailbox = offset < MAILBOX_CLEAR ? *mailbox | value : *mailbox & ~value;
    } else if ((offset & ~UINT64_C(0xf)) == TIMER_CONTROL) {
        local->timer_control[core] = value & PER_CORE_BITS;
    } else if ((offset & ~UINT64_C(0xf)) == MAILBOX_CONTROL) {
        local->mailbox_control[core] = value & PER_CORE_BITS;
    }
}

void hv_bcm_local_write(struct hv_bcm_local *local, uint64_t now, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case CONTROL:
        local->control = value & CONTROL_BITS;
        break;
    case PRESCALER:
        local->prescaler = value;
        break;
    case GPU_ROUTING:
        local->gpu_routing = value & GPU_ROUTING_BITS;
        break;
    case PMU_SET:
        local->pmu_routing |= value & PMU_BITS;
        break;
    case PMU_CLEAR:
        local->pmu_routing &= ~value;
        break;
    case LOCAL_ROUTING:
        local->local_routing = value & LOCAL_ROUTING_BITS;
        break;
    case LOCAL_TIMER:
        write_local_timer(local, now, value);
        break;
    case LOCAL_FLAGS:
        write_local_flags(local, now, value);
        break;
    default:
        write_row(local, offset, value);
        break;
    }
}
