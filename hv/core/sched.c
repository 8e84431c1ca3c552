/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/sched.h"

#include "arch/arch.h"
#include "core/hv.h"
#include "core/move.h"
#include "glue/console_glue.h"

static bool is_on(const struct hv_vcpu *vcpu)
{
    /* Acquire: whoever turned it on has written its context. */
    return __atomic_load_n(&vcpu->on, __ATOMIC_ACQUIRE) != 0U;
}

/* ---- The list ---------------------------------------------------------------------------------------------------- */

/** Behind all of its priority and above. */
static void insert(struct hv_sched *sched, struct hv_vcpu *vcpu)
{
    struct hv_vcpu **at = &sched->first;

    while (*at != NULL && (*at)->turn.priority >= vcpu->turn.priority) {
        at = &(*at)->turn.next;
    }
    vcpu->turn.next = *at;
    *at = vcpu;
}

static void take_out(struct hv_sched *sched, struct hv_vcpu *vcpu)
{
    struct hv_vcpu **at = &sched->first;

    while (*at != NULL && *at != vcpu) {
        at = &(*at)->turn.next;
    }
    if (*at != NULL) {
        *at = vcpu->turn.next;
    }
}

void hv_sched_arrive_(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    insert(&cpu->sched, vcpu);
    __atomic_store_n(&cpu->sched.count, cpu->sched.count + 1U, __ATOMIC_RELAXED);
}

void hv_sched_depart_(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    take_out(&cpu->sched, vcpu);
    __atomic_store_n(&cpu->sched.count, cpu->sched.count - 1U, __ATOMIC_RELAXED);
}

void hv_sched_add(struct hv_vcpu *vcpu)
{
    hv_sched_arrive_(vcpu->cpu, vcpu);
    vcpu->cpu->sched.changed = vcpu->cpu->vcpu != NULL;
}

void hv_sched_remove(struct hv_vcpu *vcpu)
{
    hv_sched_depart_(vcpu->cpu, vcpu);
    vcpu->cpu->sched.changed = vcpu->cpu->vcpu != NULL;
}

bool hv_sched_is_alone(const struct hv_vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->cpu->sched.count, __ATOMIC_RELAXED) == 1U &&
           !hv_budget_is_set(&vcpu->turn.budget) && !vcpu->cpu->sched.is_visited;
}

/** Its turn is over: the others of its priority go first. */
static void end_turn(struct hv_vcpu *vcpu)
{
    vcpu->turn.slice_left = 0;
    take_out(&vcpu->cpu->sched, vcpu);
    insert(&vcpu->cpu->sched, vcpu);
}

/* ---- Who wants to run -------------------------------------------------------------------------------------------- */

static bool was_woken(struct hv_turn *turn)
{
    /* Acquire: what it was woken for is seen. */
    return __atomic_load_n(&turn->woken, __ATOMIC_RELAXED) != 0U &&
           __atomic_exchange_n(&turn->woken, 0U, __ATOMIC_ACQUIRE) != 0U;
}

/** Does its CPU have to look at @vcpu, which is ready, whoever runs: to turn it off, or to hold it? */
static bool is_to_be_seen_to(const struct hv_vcpu *vcpu)
{
    return hv_vm_state(vcpu->vm) != HV_LIFE_RUNNING;
}

void hv_sched_owe(struct hv_vcpu *vcpu, uint64_t ticks)
{
    if (hv_budget_is_set(&vcpu->turn.budget)) {
        (void)__atomic_fetch_add(&vcpu->turn.owed, ticks, __ATOMIC_RELAXED);
    }
}

/** On its CPU: what others worked for it is charged. */
static void pay(struct hv_turn *turn)
{
    if (__atomic_load_n(&turn->owed, __ATOMIC_RELAXED) != 0U) {
        hv_budget_charge(&turn->budget, __atomic_exchange_n(&turn->owed, 0U, __ATOMIC_RELAXED));
    }
}

bool hv_sched_is_ready_(struct hv_vcpu *vcpu, uint64_t now)
{
    struct hv_turn *turn = &vcpu->turn;
    enum hv_life_state state = hv_vm_state(vcpu->vm);

    if (!is_on(vcpu)) {
        return false;
    }
    if (state != HV_LIFE_RUNNING) {
        return state == HV_LIFE_STOPPING || !hv_vm_vcpu_is_held(vcpu);
    }
    pay(turn);
    if (turn->waits && (was_woken(turn) || now >= turn->wake_at)) {
        turn->waits = false;
        /* From when on it wants to run: not from when there is time to look at that. */
        turn->ready_since = now < turn->wake_at ? now : turn->wake_at;
        hv_budget_wake(&turn->budget, turn->ready_since);
    }
    return !turn->waits && !hv_budget_is_out(&turn->budget, now);
}

/** Does @a, which is ready, run rather than @b, which is too? Not if they are equals. */
static bool goes_before(const struct hv_vcpu *a, const struct hv_budget *of_a, const struct hv_vcpu *b)
{
    const struct hv_budget *of_b = &b->turn.budget;

    if (hv_budget_is_set(of_a) != hv_budget_is_set(of_b)) {
        return hv_budget_is_set(of_a);
    }
    if (of_a->deadline != of_b->deadline) { /* without a budget: 0 */
        return of_a->deadline < of_b->deadline;
    }
    return a->turn.priority > b->turn.priority;
}

static bool takes_turns_with(const struct hv_vcpu *a, const struct hv_vcpu *b)
{
    return !hv_budget_is_set(&a->turn.budget) && !hv_budget_is_set(&b->turn.budget) &&
           a->turn.priority == b->turn.priority;
}

/** @vcpu, which is loaded, has run until @now. */
static void charge(struct hv_vcpu *vcpu, uint64_t now)
{
    if (hv_budget_is_set(&vcpu->turn.budget)) {
        pay(&vcpu->turn);
        hv_budget_charge(&vcpu->turn.budget, now - vcpu->turn.since);
    }
    hv_account_add(&vcpu->account.ran, now - vcpu->turn.since);
    hv_account_set(&vcpu->turn.since, now);
}

/** By time alone: when is @vcpu, which is not loaded, ready? *@then: its budget at that time. */
static uint64_t ready_at(struct hv_vcpu *vcpu, uint64_t now, struct hv_budget *then)
{
    const struct hv_turn *turn = &vcpu->turn;
    uint64_t at;

    if (!is_on(vcpu)) { /* its turn is who turns it on's, who tells this CPU then */
        *then = (struct hv_budget){.full = 0};
        return UINT64_MAX;
    }
    if (hv_sched_is_ready_(vcpu, now)) {
        *then = turn->budget;
        return now;
    }
    *then = turn->budget;
    if (is_to_be_seen_to(vcpu)) { /* it is held */
        return UINT64_MAX;
    }
    at = turn->waits ? turn->wake_at : turn->budget.deadline;
    if (at != UINT64_MAX && turn->waits) {
        hv_budget_wake(then, at);
    }
    if (at != UINT64_MAX && hv_budget_is_out(then, at)) { /* it wakes up with nothing left */
        at = then->deadline;
        (void)hv_budget_is_out(then, at);
    }
    return at;
}

/** When does @vcpu, which is not @current, matter? */
static uint64_t event_of(struct hv_vcpu *vcpu, const struct hv_cpu *cpu, const struct hv_vcpu *current,
                         bool runs)
{
    struct hv_budget then;
    uint64_t now = hv_arch_ticks();
    uint64_t at = ready_at(vcpu, now, &then);

    if (!runs || goes_before(vcpu, &then, current) || (hv_move_may(vcpu) && at > now)) {
        return at; /* one that may move could run elsewhere then */
    }
    if (!takes_turns_with(vcpu, current)) {
        return UINT64_MAX;
    }
    return at > cpu->sched.slice_end ? at : cpu->sched.slice_end; /* an equal one waits for its turn */
}

/** When @current, which runs, has used its budget up. */
static uint64_t budget_end(const struct hv_vcpu *current)
{
    const struct hv_budget *budget = &current->turn.budget;

    if (!hv_budget_is_set(budget)) {
        return UINT64_MAX;
    }
    return current->turn.since + (budget->left > 0 ? (uint64_t)budget->left : 0U);
}

/** The next thing to happen on @cpu by time alone: the end of @current's budget, or of its slice if another waits for
 *  that, a vCPU that is ready then, a clock's alarm. @runs: @current does; else nobody runs. */
static uint64_t next_event(const struct hv_cpu *cpu, const struct hv_vcpu *current, bool runs)
{
    uint64_t event = runs ? budget_end(current) : UINT64_MAX;
    uint64_t own = current != NULL ? hv_machine_vcpu_alarm_time(current) : UINT64_MAX;

    event = own < event ? own : event;
    for (struct hv_vcpu *vcpu = cpu->sched.first; vcpu != NULL; vcpu = vcpu->turn.next) {
        uint64_t at = vcpu != current ? event_of(vcpu, cpu, current, runs) : UINT64_MAX;

        event = at < event ? at : event;
        at = vcpu->index == 0U ? hv_vm_alarm_time(vcpu->vm) : UINT64_MAX;
        event = at < event ? at : event;
    }
    return event;
}

static void set_alarm(struct hv_cpu *cpu, const struct hv_vcpu *current, bool runs)
{
    uint64_t event = next_event(cpu, current, runs);
    uint64_t job = runs ? hv_jobs_due(cpu) : UINT64_MAX; /* else there is no waiting for it */

    event = job < event ? job : event;
    if (event != cpu->sched.alarm) {
        cpu->sched.alarm = event;
        hv_arch_set_alarm(cpu, event);
    }
}

/** Of those that are ready: one that is to be turned off or held, else the one that goes before the others. */
static struct hv_vcpu *best_of(const struct hv_cpu *cpu, uint64_t now)
{
    struct hv_vcpu *best = NULL;

    for (struct hv_vcpu *vcpu = cpu->sched.first; vcpu != NULL; vcpu = vcpu->turn.next) {
        if (hv_sched_is_ready_(vcpu, now)) {
            if (is_to_be_seen_to(vcpu)) {
                return vcpu;
            }
            if (best == NULL || goes_before(vcpu, &vcpu->turn.budget, best)) {
                best = vcpu;
            }
        }
    }
    return best;
}

struct hv_vcpu *hv_sched_next(struct hv_cpu *cpu)
{
    uint64_t now = hv_arch_ticks();
    struct hv_vcpu *vcpu = best_of(cpu, now);

    while (vcpu != NULL && !hv_vm_vcpu_may_run(cpu, vcpu)) {
        /* It is off by now, and its VM may have ended with that, or begun again. */
        now = hv_arch_ticks();
        vcpu = best_of(cpu, now);
    }
    if (vcpu != NULL) {
        __atomic_store_n(&vcpu->turn.alone, hv_sched_is_alone(vcpu), __ATOMIC_RELAXED);
        hv_account_set(&vcpu->turn.since, now);
        if (now > vcpu->turn.ready_since) {
            hv_machine_stole(vcpu, now - vcpu->turn.ready_since);
        }
        cpu->sched.slice_end = now + (vcpu->turn.slice_left != 0U ? vcpu->turn.slice_left : vcpu->turn.slice);
    }
    hv_move_share_out(cpu, vcpu, now);
    set_alarm(cpu, vcpu, vcpu != NULL);
    return vcpu;
}

/** Has @current, which is loaded, to make room for another one: one that is more urgent, or that waits for its turn? */
static bool is_wanted_more(const struct hv_cpu *cpu, const struct hv_vcpu *current, uint64_t now)
{
    for (struct hv_vcpu *vcpu = cpu->sched.first; vcpu != NULL; vcpu = vcpu->turn.next) {
        if (vcpu != current && hv_sched_is_ready_(vcpu, now) &&
            (is_to_be_seen_to(vcpu) || goes_before(vcpu, &vcpu->turn.budget, current) ||
             (takes_turns_with(vcpu, current) && now >= cpu->sched.slice_end))) {
            return true;
        }
    }
    return false;
}

static bool is_wanted_at_all(const struct hv_cpu *cpu, const struct hv_vcpu *current, uint64_t now)
{
    for (struct hv_vcpu *vcpu = cpu->sched.first; vcpu != NULL; vcpu = vcpu->turn.next) {
        if (vcpu != current && hv_sched_is_ready_(vcpu, now)) {
            return true;
        }
    }
    return false;
}

/** Has the vCPU that is loaded to leave, whoever else wants the CPU: its VM stops or is paused, or there are others now
 *  and its waiting is to trap, or no longer? */
static bool has_to_leave(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    enum hv_life_state state = hv_vm_state(vcpu->vm);

    if (state == HV_LIFE_RUNNING && !cpu->sched.changed) {
        return false;
    }
    cpu->sched.changed = false;
    vcpu->turn.stays = state != HV_LIFE_STOPPING;
    return true;
}

enum hv_verdict hv_sched_look(struct hv_cpu *cpu, uint32_t requests)
{
    struct hv_vcpu *current = cpu->vcpu;
    uint64_t now;

    hv_cpu_attend(cpu, requests);
    if (has_to_leave(cpu)) {
        return HV_LEAVE;
    }
    now = hv_arch_ticks();
    charge(current, now);
    if (hv_jobs_between_exits(cpu, now)) {
        now = hv_arch_ticks();
        hv_account_set(&current->turn.since, now); /* this was no time of its: hv_sched_owe() */
    }
    if (!hv_budget_is_out(&current->turn.budget, now) && !is_wanted_more(cpu, current, now)) {
        hv_move_share_out(cpu, current, now);
        set_alarm(cpu, current, true);
        return HV_RESUME;
    }
    current->turn.slice_left = cpu->sched.slice_end - now;
    if (now >= cpu->sched.slice_end) {
        end_turn(current);
    }
    current->turn.stays = true;
    return HV_LEAVE;
}

static void request(struct hv_cpu *cpu, struct hv_cpu *self, uint32_t requests)
{
    if (cpu == self) {
        (void)__atomic_fetch_or(&cpu->requests, requests, __ATOMIC_RELAXED);
    } else {
        hv_cpu_post(cpu, requests);
    }
}

/** @vcpu, which is loaded, sleeps until an interrupt comes: this is no time of its. */
static void sleep_loaded(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    charge(vcpu, hv_arch_ticks());
    set_alarm(cpu, vcpu, false);
    if (hv_jobs_step(cpu)) {
        hv_arch_take_interrupts(cpu);
    } else {
        hv_cpu_idle(cpu);
    }
    hv_account_set(&vcpu->turn.since, hv_arch_ticks());
    if (hv_budget_is_set(&vcpu->turn.budget)) {
        hv_budget_wake(&vcpu->turn.budget, vcpu->turn.since);
        request(cpu, cpu, HV_REQUEST_RUN); /* has it any left, and when is that over? */
    }
}

enum hv_verdict hv_sched_wait(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    uint32_t requests = 0;

    hv_record(cpu, HV_EVENT_WAIT, 0, 0);
    for (;;) {
        uint32_t posted = hv_cpu_take_requests(cpu);

        requests |= posted & ~(uint32_t)(HV_REQUEST_CONSOLE | HV_REQUEST_MAIL);
        hv_cpu_attend(cpu, posted);
        /* Before the look: who wakes it later has an interrupt that the look may have missed. */
        __atomic_store_n(&vcpu->turn.woken, 0U, __ATOMIC_RELAXED);
        __atomic_store_n(&vcpu->turn.alone, false, __ATOMIC_RELAXED);
        vcpu->turn.waits = true;
        if (hv_arch_interrupt_waits(cpu)) {
            vcpu->turn.waits = false;
            __atomic_store_n(&vcpu->turn.alone, hv_sched_is_alone(vcpu), __ATOMIC_RELAXED);
            hv_record(cpu, HV_EVENT_WAKE, 0, 0);
            request(cpu, cpu, requests); /* the exit's end looks at them */
            return HV_RESUME;
        }
        if (has_to_leave(cpu)) {
            return HV_LEAVE;
        }
        if (is_wanted_at_all(cpu, vcpu, hv_arch_ticks())) {
            end_turn(vcpu);
            vcpu->turn.stays = true;
            return HV_LEAVE;
        }
        sleep_loaded(cpu, vcpu);
    }
}

enum hv_verdict hv_sched_yield(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;

    if (!is_wanted_at_all(cpu, vcpu, hv_arch_ticks())) {
        return HV_RESUME;
    }
    end_turn(vcpu);
    vcpu->turn.stays = true;
    return HV_LEAVE;
}

void hv_sched_put(struct hv_vcpu *vcpu, bool stays)
{
    uint64_t now = hv_arch_ticks();

    charge(vcpu, now);
    vcpu->turn.ready_since = now;
    if (stays && vcpu->turn.waits) {
        vcpu->turn.wake_at = hv_machine_wake_time(vcpu, now);
    }
}

void hv_sched_start(struct hv_vcpu *vcpu)
{
    struct hv_turn *turn = &vcpu->turn;

    turn->stays = false;
    turn->slice_left = 0;
    /* It waits for the look of its CPU: what it had of its budget in an earlier life counts. */
    turn->waits = true;
    __atomic_store_n(&turn->alone, false, __ATOMIC_RELAXED);
    turn->wake_at = UINT64_MAX;
    __atomic_store_n(&turn->woken, 1U, __ATOMIC_RELAXED);
}

/* ---- From anywhere ----------------------------------------------------------------------------------------------- */

void hv_sched_wake(struct hv_vcpu *vcpu, struct hv_cpu *self, bool is_loaded)
{
    struct hv_cpu *cpu = vcpu->cpu;

    if (self != NULL && self->vcpu == vcpu) {
        return;
    }
    /* Not loaded, and woken already: it is ready and waits for its turn, or its CPU has been told and has not looked
     * yet. A storm of interrupts for it must not fall on who has the CPU meanwhile. */
    if (!is_loaded && __atomic_load_n(&vcpu->turn.woken, __ATOMIC_RELAXED) != 0U) {
        return;
    }
    /* Release: whoever finds it woken sees what for. */
    __atomic_store_n(&vcpu->turn.woken, 1U, __ATOMIC_RELEASE);
    request(cpu, self, HV_REQUEST_RUN);
}

void hv_sched_new_alarm(struct hv_cpu *cpu, struct hv_cpu *self)
{
    request(cpu, self, HV_REQUEST_ALARM);
}

void hv_sched_alarm(struct hv_cpu *cpu)
{
    cpu->sched.alarm = UINT64_MAX; /* an alarm rings once */
    for (struct hv_vcpu *vcpu = cpu->sched.first; vcpu != NULL; vcpu = vcpu->turn.next) {
        if (vcpu->index == 0U) {
            hv_vm_alarm(cpu, vcpu->vm);
        }
    }
    if (cpu->vcpu != NULL) {
        hv_machine_vcpu_alarm(cpu);
    }
    request(cpu, cpu, HV_REQUEST_ALARM);
}
