/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/sched.h"

#include "arch/arch.h"
#include "core/hv.h"

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

void hv_sched_add(struct hv_vcpu *vcpu)
{
    struct hv_sched *sched = &vcpu->cpu->sched;

    insert(sched, vcpu);
    sched->count++;
    sched->alarm = UINT64_MAX;
}

void hv_sched_remove(struct hv_vcpu *vcpu)
{
    take_out(&vcpu->cpu->sched, vcpu);
    vcpu->cpu->sched.count--;
}

/** Its turn is over: the others of its priority go first. */
static void end_turn(struct hv_vcpu *vcpu)
{
    take_out(&vcpu->cpu->sched, vcpu);
    insert(&vcpu->cpu->sched, vcpu);
}

/* ---- Who wants to run -------------------------------------------------------------------------------------------- */

/** Does @vcpu, which is not loaded, want the CPU: to run, or to be turned off? */
static bool is_ready(struct hv_vcpu *vcpu, uint64_t now)
{
    struct hv_turn *turn = &vcpu->turn;

    if (!is_on(vcpu)) {
        return false;
    }
    /* Acquire: what it was woken for is seen. */
    if (turn->waits && ((__atomic_load_n(&turn->woken, __ATOMIC_RELAXED) != 0U &&
                         __atomic_exchange_n(&turn->woken, 0U, __ATOMIC_ACQUIRE) != 0U) ||
                        now >= turn->wake_at)) {
        turn->waits = false;
    }
    return !turn->waits || hv_vm_is_stopping(vcpu->vm);
}

/** When does @vcpu, which is not @current, matter? */
static uint64_t event_of(struct hv_vcpu *vcpu, const struct hv_cpu *cpu, const struct hv_vcpu *current,
                         bool runs)
{
    uint64_t now = hv_arch_ticks();
    uint64_t later = is_on(vcpu) ? vcpu->turn.wake_at : UINT64_MAX;
    uint64_t at = is_ready(vcpu, now) ? now : later;

    if (!runs || vcpu->turn.priority > current->turn.priority) {
        return at;
    }
    if (vcpu->turn.priority < current->turn.priority) {
        return UINT64_MAX;
    }
    return at > cpu->sched.slice_end ? at : cpu->sched.slice_end; /* an equal one waits for its turn */
}

/** The next thing to happen on @cpu by time alone: the end of @current's slice if another waits for that, a vCPU that
 *  is ready then, a clock's alarm. @runs: @current does; else nobody runs. */
static uint64_t next_event(const struct hv_cpu *cpu, const struct hv_vcpu *current, bool runs)
{
    uint64_t event = UINT64_MAX;

    for (struct hv_vcpu *vcpu = cpu->sched.first; vcpu != NULL; vcpu = vcpu->turn.next) {
        uint64_t at = vcpu != current ? event_of(vcpu, cpu, current, runs) : UINT64_MAX;

        event = at < event ? at : event;
        at = vcpu->index == 0U ? hv_machine_alarm_time(vcpu->vm) : UINT64_MAX;
        event = at < event ? at : event;
    }
    return event;
}

static void set_alarm(struct hv_cpu *cpu, const struct hv_vcpu *current, bool runs)
{
    uint64_t event = next_event(cpu, current, runs);

    if (event != cpu->sched.alarm) {
        cpu->sched.alarm = event;
        hv_arch_set_alarm(cpu, event);
    }
}

struct hv_vcpu *hv_sched_next(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->sched.first;
    uint64_t now = hv_arch_ticks();

    while (vcpu != NULL) {
        if (!is_ready(vcpu, now)) {
            vcpu = vcpu->turn.next;
        } else if (hv_vm_vcpu_may_run(cpu, vcpu)) {
            break;
        } else {
            /* It is off by now, and its VM may have ended with that, or begun again. */
            vcpu = cpu->sched.first;
            now = hv_arch_ticks();
        }
    }
    cpu->sched.slice_end = vcpu != NULL ? now + vcpu->turn.slice : UINT64_MAX;
    set_alarm(cpu, vcpu, vcpu != NULL);
    return vcpu;
}

/** Has @current, which is loaded, to make room for another one: one that is more urgent, or that waits for its turn? */
static bool is_wanted_more(const struct hv_cpu *cpu, const struct hv_vcpu *current, uint64_t now)
{
    for (struct hv_vcpu *vcpu = cpu->sched.first; vcpu != NULL; vcpu = vcpu->turn.next) {
        if (vcpu != current && is_ready(vcpu, now) &&
            (hv_vm_is_stopping(vcpu->vm) || vcpu->turn.priority > current->turn.priority ||
             (vcpu->turn.priority == current->turn.priority && now >= cpu->sched.slice_end))) {
            return true;
        }
    }
    return false;
}

static bool is_wanted_at_all(const struct hv_cpu *cpu, const struct hv_vcpu *current, uint64_t now)
{
    for (struct hv_vcpu *vcpu = cpu->sched.first; vcpu != NULL; vcpu = vcpu->turn.next) {
        if (vcpu != current && is_ready(vcpu, now)) {
            return true;
        }
    }
    return false;
}

enum hv_verdict hv_sched_look(struct hv_cpu *cpu, uint32_t requests)
{
    struct hv_vcpu *current = cpu->vcpu;
    uint64_t now;

    if ((requests & HV_REQUEST_HALT) != 0U) {
        hv_arch_halt();
    }
    if (hv_vm_is_stopping(current->vm)) {
        return HV_LEAVE;
    }
    now = hv_arch_ticks();
    if (!is_wanted_more(cpu, current, now)) {
        set_alarm(cpu, current, true);
        return HV_RESUME;
    }
    if (now >= cpu->sched.slice_end) {
        end_turn(current);
    }
    current->turn.stays = true;
    return HV_LEAVE;
}

enum hv_verdict hv_sched_wait(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;

    for (;;) {
        if ((hv_cpu_take_requests(cpu) & HV_REQUEST_HALT) != 0U) {
            hv_arch_halt();
        }
        if (hv_vm_is_stopping(vcpu->vm)) {
            return HV_LEAVE;
        }
        /* Before the look: who wakes it later has an interrupt that the look may have missed. */
        __atomic_store_n(&vcpu->turn.woken, 0U, __ATOMIC_RELAXED);
        if (hv_arch_interrupt_waits(cpu)) {
            return HV_RESUME;
        }
        if (is_wanted_at_all(cpu, vcpu, hv_arch_ticks())) {
            end_turn(vcpu);
            vcpu->turn.waits = true;
            vcpu->turn.stays = true;
            return HV_LEAVE;
        }
        set_alarm(cpu, vcpu, false);
        hv_arch_idle(cpu);
    }
}

void hv_sched_put(struct hv_vcpu *vcpu)
{
    if (vcpu->turn.waits) {
        vcpu->turn.wake_at = hv_machine_wake_time(vcpu, hv_arch_ticks());
    }
}

/* ---- From anywhere ----------------------------------------------------------------------------------------------- */

static void request(struct hv_cpu *cpu, struct hv_cpu *self, uint32_t requests)
{
    if (cpu == self) {
        (void)__atomic_fetch_or(&cpu->requests, requests, __ATOMIC_RELAXED);
    } else {
        hv_cpu_post(cpu, requests);
    }
}

void hv_sched_wake(struct hv_vcpu *vcpu, struct hv_cpu *self)
{
    struct hv_cpu *cpu = vcpu->cpu;

    if (self != NULL && self->vcpu == vcpu) {
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
            hv_machine_alarm(cpu, vcpu->vm);
        }
    }
    request(cpu, cpu, HV_REQUEST_ALARM);
}
