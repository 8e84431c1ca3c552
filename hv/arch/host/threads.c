/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated CPUs as threads that run at the same time, for ThreadSanitizer: it sees what hv's own locks and atomic
 * accesses order and nothing else. What a board does in hardware, interrupts and the console device, is in wires.c,
 * which it does not see: an interrupt orders no memory accesses. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "arch/host/host_internal.h"
#include "core/lock.h"
#include "core/report.h"
#include "glue/console_glue.h"

struct host_cpu {
    pthread_t thread;
    jmp_buf empty_stack;
    struct hv_cpu *cpu;
    bool started;
    uint64_t alarm;  /* UINT64_MAX: none */
    uint64_t kicks;  /* atomic */
    uint64_t random; /* of when it lets others go first */
};

static struct {
    struct host_cpu cpu[HV_MAX_CPUS];
    struct hv *hv;
    hv_host_guest *guest;
    struct hv_host_result *result;
} host;

static __thread struct host_cpu *self;

/** The run may be over: then this thread is. */
static void look_whether_over(void)
{
    if (self != NULL && hv_host_wires_are_cut()) {
        pthread_exit(NULL);
    }
}

/** Here another CPU may go first: now and then it does, whatever the machine that this runs on has to offer. */
void hv_arch_interleave(void)
{
    if (self == NULL) {
        return;
    }
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    if (self->random % 16U == 0U) {
        (void)sched_yield();
    }
}

/* ---- hv/arch/arch.h ---------------------------------------------------------------------------------------------- */

void hv_arch_relax(void)
{
    look_whether_over();
    (void)sched_yield();
}

void hv_arch_wait_equal(const uint32_t *word, uint32_t value)
{
    /* As in host.c: the test itself, when the run is over. */
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value && (self != NULL || !hv_host_wires_are_cut())) {
        hv_arch_relax();
    }
}

void hv_arch_kick(struct hv_cpu *cpu)
{
    (void)__atomic_fetch_add(&host.cpu[cpu->index].kicks, 1U, __ATOMIC_RELAXED);
    hv_host_wire_raise(cpu->index);
    hv_arch_interleave();
}

uint64_t hv_host_kicks(uint32_t index)
{
    return __atomic_load_n(&host.cpu[index].kicks, __ATOMIC_RELAXED);
}

/** When the virtual timer of the vCPU that is loaded on @cpu interrupts. */
static uint64_t timer_of(struct hv_cpu *cpu)
{
    uint64_t timer;

    if (cpu->vcpu == NULL) {
        return UINT64_MAX;
    }
    hv_machine_lock(cpu, &cpu->vcpu->vm->machine);
    timer = hv_host_timer(cpu->vcpu, hv_arch_ticks());
    hv_machine_unlock(&cpu->vcpu->vm->machine);
    return timer;
}

void hv_arch_take_interrupts(struct hv_cpu *cpu)
{
    struct host_cpu *me = &host.cpu[cpu->index];

    look_whether_over();
    (void)hv_host_wire_take(cpu->index);
    if (timer_of(cpu) <= hv_arch_ticks()) {
        hv_host_inject_timer(cpu);
    }
    if (me->alarm <= hv_arch_ticks()) {
        me->alarm = UINT64_MAX;
        hv_sched_alarm(cpu);
    }
    if (cpu->index == 0U && hv_host_wire_console()) {
        hv_console_interrupt(cpu);
    }
}

void hv_arch_idle(struct hv_cpu *cpu)
{
    uint64_t timer = timer_of(cpu);
    uint64_t alarm = host.cpu[cpu->index].alarm;

    hv_host_wire_sleep(cpu->index, timer < alarm ? timer : alarm);
    hv_arch_take_interrupts(cpu);
}

void hv_arch_set_alarm(struct hv_cpu *cpu, uint64_t deadline)
{
    host.cpu[cpu->index].alarm = deadline;
}

void hv_arch_vcpu_load(struct hv_cpu *cpu)
{
    hv_host_load(cpu);
}

void hv_arch_vcpu_put(struct hv_cpu *cpu)
{
    hv_host_put(cpu);
}

static enum hv_verdict finish_exit(struct hv_cpu *cpu, enum hv_verdict verdict)
{
    if (verdict != HV_RESUME) {
        return verdict;
    }
    hv_arch_take_interrupts(cpu);
    return hv_host_before_entry(cpu);
}

void hv_arch_enter(struct hv_cpu *cpu)
{
    enum hv_verdict verdict = finish_exit(cpu, HV_RESUME);

    while (verdict != HV_LEAVE) {
        verdict = finish_exit(cpu, host.guest(cpu, cpu->vcpu, hv_host_next_round(cpu->vcpu)));
    }
    longjmp(host.cpu[cpu->index].empty_stack, 1);
}

void hv_host_run_until_kicked(struct hv_cpu *cpu)
{
    hv_arch_idle(cpu);
}

static void *cpu_thread(void *arg)
{
    self = (struct host_cpu *)arg;
    if (setjmp(self->empty_stack) != 0) {
        hv_vcpu_left(self->cpu);
    }
    hv_host_enter(self->cpu);
}

int hv_arch_cpu_start(struct hv_cpu *cpu)
{
    struct host_cpu *me = &host.cpu[cpu->index];

    me->started = pthread_create(&me->thread, NULL, cpu_thread, me) == 0;
    return me->started ? ASH_OK : ASH_ENOMEM;
}

void hv_arch_power_off(void)
{
    host.result->powered_off = true;
    hv_host_wires_cut();
    pthread_exit(NULL);
}

void hv_arch_halt(void)
{
    abort(); /* hv has panicked */
}

void hv_report_write(const char *text)
{
    fputs(text, stderr);
}

/* ---- The run ----------------------------------------------------------------------------------------------------- */

void hv_host_run(struct hv *hv, hv_host_guest *guest, uint64_t seed, uint64_t max_turns,
                 struct hv_host_result *result)
{
    memset(&host, 0, sizeof(host));
    memset(result, 0, sizeof(*result));
    hv_host_begin();
    host.hv = hv;
    host.guest = guest;
    host.result = result;
    for (uint32_t i = 0; i < hv->cpus; i++) {
        host.cpu[i].cpu = hv->cpu[i];
        host.cpu[i].alarm = UINT64_MAX;
        host.cpu[i].random = (seed + i) * UINT64_C(0x9E3779B97F4A7C15) | 1U;
    }
    hv_host_wires_begin(result, hv->cpus, max_turns);
    ASH_DISCARD(hv_arch_cpu_start(hv->cpu[0])); /* which starts the others */
    for (uint32_t i = 0; i < hv->cpus; i++) {
        if (host.cpu[i].started) {
            pthread_join(host.cpu[i].thread, NULL);
        }
    }
    hv_host_wires_end();
    result->stuck = !result->powered_off;
}
