/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/account.h"

#include "arch/arch.h"
#include "core/hv.h"

static const char *const names[HV_EXIT_REASONS] = {
    [HV_EXIT_INTERRUPT] = "interrupt", [HV_EXIT_HVC] = "hvc",     [HV_EXIT_SMC] = "smc",
    [HV_EXIT_SYSREG] = "sysreg",       [HV_EXIT_ABORT] = "abort", [HV_EXIT_WFX] = "wfx",
    [HV_EXIT_FETCH] = "fetch",         [HV_EXIT_UNDEF] = "undef", [HV_EXIT_SERROR] = "serror",
    [HV_EXIT_OTHER] = "other",
};

const char *hv_exit_reason_name(enum hv_exit_reason reason)
{
    return (unsigned)reason < HV_EXIT_REASONS ? names[reason] : "?";
}

static uint64_t get(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static uint64_t ns_of(uint64_t ticks)
{
    uint64_t hz = hv_arch_ticks_per_second();

    return ticks / hz * UINT64_C(1000000000) + ticks % hz * UINT64_C(1000000000) / hz;
}

/** From @since, 0: never, up to @now. Another CPU may have written it after we took @now. */
static uint64_t elapsed(uint64_t since, uint64_t now)
{
    return since != 0U && now > since ? now - since : 0U;
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
    return value < limit ? value : limit;
}

void hv_account_read(const struct hv_vcpu *vcpu, struct hv_account_view *view)
{
    const struct hv_account *account = &vcpu->account;
    const struct hv_cpu *cpu = __atomic_load_n(&vcpu->cpu, __ATOMIC_RELAXED);
    uint64_t now = hv_arch_ticks();
    uint64_t ran = get(&account->ran);

    if (__atomic_load_n(&cpu->vcpu, __ATOMIC_RELAXED) == vcpu && get(&cpu->account.idle_since) == 0U) {
        ran += elapsed(get(&vcpu->turn.since), now);
    }
    *view = (struct hv_account_view){.loads = get(&account->loads)};
    for (unsigned i = 0; i < HV_EXIT_REASONS; i++) {
        view->exits[i] = get(&account->exits[i]);
        view->exits_in_all += view->exits[i];
    }
    /* Taken one after the other, they need not add up: no part is more than what is left of the whole. */
    view->on = ns_of(get(&account->on) + elapsed(get(&account->on_since), now));
    view->run = at_most(ns_of(ran), view->on);
    view->steal = at_most(ns_of(get(&account->stolen)), view->on - view->run);
    view->idle = view->on - view->run - view->steal;
}

uint64_t hv_account_cpu_idle(const struct hv_cpu *cpu)
{
    return ns_of(get(&cpu->account.idle) + elapsed(get(&cpu->account.idle_since), hv_arch_ticks()));
}

void hv_account_on(struct hv_account *account)
{
    hv_account_set(&account->on_since, hv_arch_ticks());
}

void hv_account_off(struct hv_account *account)
{
    hv_account_set(&account->on, account->on + elapsed(account->on_since, hv_arch_ticks()));
    hv_account_set(&account->on_since, 0);
}

void hv_account_sleep(struct hv_cpu_account *account)
{
    hv_account_set(&account->idle_since, hv_arch_ticks());
}

void hv_account_wake(struct hv_cpu_account *account)
{
    hv_account_set(&account->idle, account->idle + elapsed(account->idle_since, hv_arch_ticks()));
    hv_account_set(&account->idle_since, 0);
}
