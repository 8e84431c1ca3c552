/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/budget.h"

void hv_budget_init(struct hv_budget *budget, uint32_t budget_us, uint32_t period_us, uint64_t frequency)
{
    budget->full = budget_us * frequency / 1000000U;
    budget->period = period_us * frequency / 1000000U;
    if (budget_us != 0U && budget->full == 0U) {
        budget->full = 1; /* a counter slower than the budget is short */
    }
    if (budget->period < budget->full) {
        budget->period = budget->full;
    }
    budget->left = (int64_t)budget->full;
    budget->deadline = 0;
}

void hv_budget_charge(struct hv_budget *budget, uint64_t ticks)
{
    budget->left -= (int64_t)ticks;
}

static void begin(struct hv_budget *budget, uint64_t now)
{
    budget->left = (int64_t)budget->full;
    budget->deadline = now + budget->period;
}

/** The period is over by @now, and so may others be: each pays with its budget for what was had too much. */
static void renew(struct hv_budget *budget, uint64_t now)
{
    if (budget->left <= 0) {
        uint64_t wanted = (uint64_t)-budget->left / budget->full + 1U; /* until some is left */
        uint64_t over = (now - budget->deadline) / budget->period + 1U;
        uint64_t periods = wanted < over ? wanted : over;

        budget->left += (int64_t)(periods * budget->full);
        budget->deadline += periods * budget->period;
    }
    if (budget->deadline <= now) {
        begin(budget, now); /* the debt is paid, and it wanted nothing since */
    }
}

void hv_budget_wake(struct hv_budget *budget, uint64_t now)
{
    if (budget->full == 0U) {
        return;
    }
    if (budget->deadline <= now) {
        renew(budget, now);
    } else if (budget->left > 0 &&
               (uint64_t)budget->left * budget->period > (budget->deadline - now) * budget->full) {
        begin(budget, now);
    }
}

bool hv_budget_is_out(struct hv_budget *budget, uint64_t now)
{
    if (budget->full == 0U || budget->left > 0) {
        return false;
    }
    if (budget->deadline <= now) {
        renew(budget, now);
    }
    return budget->left <= 0;
}
