/* SPDX-License-Identifier: BSD-2-Clause */
/** A vCPU's budget per period: a constant bandwidth server with a hard limit (L. Abeni, G. Buttazzo: "Integrating
 *  Multimedia Applications in Hard Real-Time Systems", RTSS 1998). Of those that have budget left the one with the
 *  earliest deadline runs; if the shares of a CPU sum up to 100 % at most, each has had its budget by its deadline.
 *
 *      running: what is left goes down      used up: it does not run until the deadline; then a new period begins there
 *      woken: what is left counts until the deadline, if that is no more than its share of the time until then; else a
 *             new period begins now, and with it a whole budget
 *
 *  The rule for waking is what keeps a guest that sleeps just before its budget's end, or wakes all the time, from
 *  getting more than its share.
 *
 *  Plain data, ticks throughout. Lock domain: the CPU that runs the vCPU.
 */
#ifndef HV_CORE_BUDGET_H
#define HV_CORE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct hv_budget {
    uint64_t full;     /* a period's; 0: no budget, no limit */
    uint64_t period;   /* full <= period < 2^31 */
    int64_t left;      /* <= 0: used up. Less than 0: what it had too much, less in the next one */
    uint64_t deadline; /* the end of its period */
};

/** @budget_us of each @period_us, up to a second; 0: no budget. @frequency: of the counter in Hz, up to 2^31. All of it
 *  is left, in a period that is over. */
void hv_budget_init(struct hv_budget *budget, uint32_t budget_us, uint32_t period_us, uint64_t frequency);

static inline bool hv_budget_is_set(const struct hv_budget *budget)
{
    return budget->full != 0U;
}

/** It ran for @ticks. */
void hv_budget_charge(struct hv_budget *budget, uint64_t ticks);

/** It waited, and wants to run from @now on. Nothing without a budget. */
void hv_budget_wake(struct hv_budget *budget, uint64_t now);

/** Is it used up? If its period is over by @now a new one has begun. Always false without a budget. */
bool hv_budget_is_out(struct hv_budget *budget, uint64_t now);

/** How much of its CPU a budget is, in billionths, rounded down. @period_us > 0. */
static inline uint64_t hv_budget_share(uint32_t budget_us, uint32_t period_us)
{
    return (uint64_t)budget_us * UINT64_C(1000000000) / period_us;
}
#define HV_BUDGET_WHOLE UINT64_C(1000000000)

#endif
