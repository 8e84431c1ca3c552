/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/host/host_internal.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "core/lock.h"
#include "core/place.h"
#include "core/report.h"
#include "glue/console_glue.h"

struct host_cpu {
    pthread_t thread;
    pthread_cond_t turn;
    jmp_buf empty_stack;
    struct hv_cpu *cpu;
    bool started;
    bool asleep; /* in hv_arch_idle() with nothing pending */
    bool pending;
    uint64_t kicks;
    uint64_t alarm; /* host.ticks; 0: none */
};

static struct {
    pthread_mutex_t baton;
    struct host_cpu cpu[HV_MAX_CPUS];
    struct hv *hv;
    hv_host_guest *guest;
    struct hv_host_result *result;
    struct {
        uint64_t ran;        /* ticks, until it was last put or put to sleep */
        uint64_t runs_since; /* 0: it does not */
    } vcpu[HV_MAX_VMS][HV_MACHINE_MAX_VCPUS];
    uint64_t random;
    uint64_t ticks;
    uint64_t max_turns;
    uint32_t running; /* whose turn it is */
    bool over;
} host;

static __thread struct host_cpu *self;

static uint64_t next_random(void)
{
    host.random ^= host.random << 13;
    host.random ^= host.random >> 7;
    host.random ^= host.random << 17;
    return host.random;
}

static _Noreturn void leave_thread(void)
{
    pthread_mutex_unlock(&host.baton);
    pthread_exit(NULL);
}

static _Noreturn void end_of_run(void)
{
    host.over = true;
    for (uint32_t i = 0; i < HV_MAX_CPUS; i++) {
        pthread_cond_broadcast(&host.cpu[i].turn);
    }
    leave_thread();
}

/** The vCPU that is loaded on @cpu, if one is, runs from now on, or does not. */
static void account(const struct hv_cpu *cpu, bool runs)
{
    const struct hv_vcpu *vcpu = cpu->vcpu;

    if (vcpu == NULL) {
        return;
    }
    if (host.vcpu[vcpu->vm->slot][vcpu->index].runs_since != 0U) {
        host.vcpu[vcpu->vm->slot][vcpu->index].ran +=
            host.ticks - host.vcpu[vcpu->vm->slot][vcpu->index].runs_since;
    }
    host.vcpu[vcpu->vm->slot][vcpu->index].runs_since = runs ? host.ticks : 0U;
}

uint64_t hv_host_kicks(uint32_t index)
{
    return host.cpu[index].kicks;
}

uint64_t hv_host_ran(uint32_t slot, uint32_t index)
{
    uint64_t since = host.vcpu[slot][index].runs_since;

    return host.vcpu[slot][index].ran + (since != 0U ? host.ticks - since : 0U);
}

static uint64_t timer_of(const struct host_cpu *me)
{
    return hv_host_timer(me->cpu->vcpu, host.ticks);
}

static uint64_t next_interrupt(const struct host_cpu *me)
{
    uint64_t timer = timer_of(me);

    return me->alarm != 0U && me->alarm < timer ? me->alarm : timer;
}

static void ring_alarms(void)
{
    for (uint32_t i = 0; i < host.hv->cpus; i++) {
        if (next_interrupt(&host.cpu[i]) <= host.ticks) {
            host.cpu[i].pending = true;
        }
    }
}

/** Nobody has anything to do: time goes on to the next alarm. False: there is none. */
static bool skip_to_an_alarm(void)
{
    uint64_t next = UINT64_MAX;

    for (uint32_t i = 0; i < host.hv->cpus; i++) {
        if (next_interrupt(&host.cpu[i]) < next) {
            next = next_interrupt(&host.cpu[i]);
        }
    }
    if (next != UINT64_MAX && next > host.ticks) {
        host.ticks = next;
    }
    return next != UINT64_MAX;
}

/** Pass the turn to any CPU that can use it, perhaps to ourselves. */
static void take_turns(void)
{
    uint32_t ready[HV_MAX_CPUS];
    uint32_t count = 0;

    host.ticks += 100;
    if (++host.result->turns > host.max_turns) {
        host.result->stuck = true;
        end_of_run();
    }
    while (count == 0U) {
        hv_host_console_turn();
        if (hv_host_console_interrupts()) {
            host.cpu[0].pending = true;
        }
        ring_alarms();
        for (uint32_t i = 0; i < host.hv->cpus; i++) {
            struct host_cpu *candidate = &host.cpu[i];
            if (candidate->started && (!candidate->asleep || candidate->pending)) {
                ready[count++] = i;
            }
        }
        if (count == 0U && !hv_host_console_is_busy() && !skip_to_an_alarm()) {
            break;
        }
    }
    if (count == 0U) {
        host.result->stuck = true;
        end_of_run();
    }
    host.running = ready[next_random() % count];
    pthread_cond_signal(&host.cpu[host.running].turn);
    while (!host.over && host.cpu[host.running].cpu != self->cpu) {
        pthread_cond_wait(&self->turn, &host.baton);
    }
    if (host.over) {
        leave_thread();
    }
}

/** Anything may happen on other CPUs here: now and then it does. */
void hv_arch_interleave(void)
{
    if (self != NULL && next_random() % 4U == 0U) {
        take_turns();
    }
}

/* ---- hv/arch/arch.h ---------------------------------------------------------------------------------------------- */

uint64_t hv_arch_ticks(void)
{
    return host.ticks++;
}

void hv_arch_relax(void)
{
    take_turns();
}

void hv_arch_wait_equal(const uint32_t *word, uint32_t value)
{
    /* The test itself, when the run is over: a CPU that stopped where it was may hold the lock for ever, and nobody
     * else comes. */
    while (*word != value && self != NULL) {
        take_turns();
    }
}

void hv_arch_kick(struct hv_cpu *cpu)
{
    host.cpu[cpu->index].pending = true;
    host.cpu[cpu->index].kicks++;
    hv_arch_interleave();
}

static void take_alarm(struct hv_cpu *cpu)
{
    struct host_cpu *me = &host.cpu[cpu->index];

    if (timer_of(me) <= host.ticks) {
        hv_host_inject_timer(cpu);
    }
    if (me->alarm != 0U && me->alarm <= host.ticks) {
        me->alarm = 0;
        hv_sched_alarm(cpu);
    }
    if (cpu->index == 0U && hv_host_console_interrupts()) {
        hv_console_interrupt(cpu);
    }
}

void hv_arch_idle(struct hv_cpu *cpu)
{
    struct host_cpu *me = &host.cpu[cpu->index];

    account(cpu, false);
    me->asleep = true;
    while (!me->pending) {
        take_turns();
    }
    me->asleep = false;
    account(cpu, true);
    me->pending = false;
    take_alarm(cpu);
}

void hv_arch_take_interrupts(struct hv_cpu *cpu)
{
    struct host_cpu *me = &host.cpu[cpu->index];

    hv_arch_interleave();
    if (me->pending) {
        me->pending = false;
        take_alarm(cpu);
    }
}

void hv_arch_set_alarm(struct hv_cpu *cpu, uint64_t deadline)
{
    host.cpu[cpu->index].alarm = deadline == UINT64_MAX ? 0U : deadline;
}

void hv_arch_vcpu_load(struct hv_cpu *cpu)
{
    account(cpu, true);
    hv_host_load(cpu);
}

void hv_arch_vcpu_put(struct hv_cpu *cpu)
{
    hv_host_put(cpu);
    account(cpu, false);
}

/** What the real exit path does at its end. */
static enum hv_verdict finish_exit(struct hv_cpu *cpu, enum hv_verdict verdict)
{
    if (verdict != HV_RESUME) {
        return verdict; /* interrupts are masked: what is pending stays so until the next vCPU runs */
    }
    host.cpu[cpu->index].pending = false;
    take_alarm(cpu);
    return hv_host_before_entry(cpu);
}

void hv_arch_enter(struct hv_cpu *cpu)
{
    /* An interrupt that is pending at the entry is taken before the guest's first instruction. */
    enum hv_verdict verdict = finish_exit(cpu, HV_RESUME);

    while (verdict != HV_LEAVE) {
        take_turns();
        verdict = finish_exit(cpu, host.guest(cpu, cpu->vcpu, hv_host_next_round(cpu->vcpu)));
    }
    longjmp(host.cpu[cpu->index].empty_stack, 1);
}

static void *cpu_thread(void *arg)
{
    self = (struct host_cpu *)arg;
    pthread_mutex_lock(&host.baton);
    while (!host.over && host.cpu[host.running].cpu != self->cpu) {
        pthread_cond_wait(&self->turn, &host.baton);
    }
    if (host.over) {
        leave_thread();
    }
    if (setjmp(self->empty_stack) != 0) {
        hv_vcpu_left(self->cpu);
    }
    hv_host_enter(self->cpu);
}

int hv_arch_cpu_start(struct hv_cpu *cpu)
{
    host.cpu[cpu->index].started = true;
    return pthread_create(&host.cpu[cpu->index].thread, NULL, cpu_thread, &host.cpu[cpu->index]) == 0
               ? ASH_OK
               : ASH_ENOMEM;
}

void hv_arch_power_off(void)
{
    host.result->powered_off = true;
    end_of_run();
}

void hv_arch_halt(void)
{
    self->started = false;
    take_turns();
    abort(); /* it never gets another turn */
}

void hv_host_run_until_kicked(struct hv_cpu *cpu)
{
    hv_arch_idle(cpu);
}

/* ---- The run ----------------------------------------------------------------------------------------------------- */

void hv_host_run(struct hv *hv, hv_host_guest *guest, uint64_t seed, uint64_t max_turns,
                 struct hv_host_result *result)
{
    memset(&host, 0, sizeof(host));
    memset(result, 0, sizeof(*result));
    hv_host_begin();
    pthread_mutex_init(&host.baton, NULL);
    host.hv = hv;
    host.guest = guest;
    host.result = result;
    host.random = seed | 1U;
    host.max_turns = max_turns;
    hv_host_console_begin(result);
    for (uint32_t i = 0; i < hv->cpus; i++) {
        pthread_cond_init(&host.cpu[i].turn, NULL);
        host.cpu[i].cpu = hv->cpu[i];
    }
    ASH_DISCARD(hv_arch_cpu_start(hv->cpu[0]));
    for (uint32_t i = 0; i < hv->cpus; i++) {
        /* CPU 0 starts the others: those that it never started have no thread. */
        pthread_mutex_lock(&host.baton);
        bool started = host.cpu[i].thread != 0;
        pthread_mutex_unlock(&host.baton);
        if (started) {
            pthread_join(host.cpu[i].thread, NULL);
        }
    }
    hv_host_console_end();
}
