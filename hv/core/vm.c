/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/vm.h"

#include <stdarg.h>

#include "core/cpu.h"
#include "core/format.h"
#include "core/hv.h"
#include "core/place.h"
#include "glue/bcm2837.h"
#include "glue/console_glue.h"
#include "glue/virtio.h"

#define REPORTS_MAX 16U

void hv_vm_report(struct hv_vm *vm, const char *format, ...)
{
    char line[240];
    va_list args;
    size_t at;
    uint32_t number = __atomic_fetch_add(&vm->reports, 1U, __ATOMIC_RELAXED);

    if (number > REPORTS_MAX) {
        return;
    }
    if (number == REPORTS_MAX) {
        (void)hv_format(line, sizeof(line), "%s: more such events are not reported", vm->name);
        hv_console_say(vm->hv, line);
        return;
    }
    va_start(args, format);
    at = hv_format(line, sizeof(line), "%s: ", vm->name);
    (void)hv_vformat(&line[at], sizeof(line) - at, format, args);
    va_end(args);
    hv_console_say(vm->hv, line); /* whatever the log level is */
}

static void set_state(struct hv_vm *vm, enum hv_life_state state)
{
    __atomic_store_n(&vm->state, state, __ATOMIC_RELEASE); /* hv_vm_state() */
}

/** Tell the CPUs of the vCPUs that are on. */
static void post(struct hv_vm *vm, uint32_t requests)
{
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        if (vm->vcpu[i]->on != 0U) {
            hv_cpu_post(vm->vcpu[i]->cpu, requests);
        }
    }
}

/* ---- Begin and end ----------------------------------------------------------------------------------------------- */

void hv_vm_vcpu_on(struct hv_vm *vm, uint32_t index, ash_ipa_t entry, uint64_t x0)
{
    struct hv_vcpu *vcpu = vm->vcpu[index];

    hv_machine_vcpu_reset(vcpu, entry, x0);
    vcpu->restarts = false;
    hv_sched_start(vcpu);
    vm->vcpus_on++;
    hv_account_on(&vcpu->account);
    /* Release: the CPU that reads 1 sees the context. */
    __atomic_store_n(&vcpu->on, 1U, __ATOMIC_RELEASE);
    hv_cpu_post(vcpu->cpu, HV_REQUEST_RUN);
}

void hv_vm_begin(struct hv_vm *vm, ash_ipa_t entry, uint64_t x0)
{
    if (vm->ran) { /* a new one is as a reset leaves it */
        hv_machine_reset(vm);
    }
    vm->ran = true;
    vm->then = HV_THEN_POLICY;
    set_state(vm, HV_LIFE_RUNNING);
    hv_vm_vcpu_on(vm, 0, entry, x0);
    if (vm->config.machine == ASH_BOOT_VM_BCM2837) { /* all of them run at once: docs/bcm2837.md */
        for (uint32_t i = 1; i < vm->vcpus; i++) {
            hv_vm_vcpu_on(vm, i, ash_ipa(HV_BCM2837_STUB), 0);
        }
    }
}

void hv_vm_stop_locked(struct hv_vm *vm, enum hv_vm_end end)
{
    bool runs = vm->state == HV_LIFE_RUNNING || vm->state == HV_LIFE_PAUSING || vm->state == HV_LIFE_PAUSED;

    if (!runs && vm->state != HV_LIFE_STARTING) { /* whoever starts it finds it stopping */
        return;
    }
    vm->end = end;
    __atomic_store_n(&vm->off_at, UINT64_MAX, __ATOMIC_RELAXED);
    set_state(vm, HV_LIFE_STOPPING);
    post(vm, HV_REQUEST_STOP);
}

void hv_vm_stop(struct hv_vm *vm, enum hv_vm_end end)
{
    hv_lock(&vm->lock);
    hv_vm_stop_locked(vm, end);
    hv_unlock(&vm->lock);
}

/* ---- Pause ------------------------------------------------------------------------------------------------------- */

void hv_vm_pause(struct hv_vm *vm)
{
    set_state(vm, HV_LIFE_PAUSING);
    post(vm, HV_REQUEST_STOP);
}

/** If all that are on are held, it is paused. Wants the lock; PAUSING. */
static bool look_whether_paused(struct hv_cpu *cpu, struct hv_vm *vm)
{
    if (vm->vcpus_held != vm->vcpus_on) {
        return false;
    }
    hv_machine_freeze(cpu, vm);
    hv_virtio_freeze(cpu, vm);
    if (vm->config.pause_stops_time) {
        ash_vtimer_pause(&vm->machine.time, hv_arch_ticks());
    }
    set_state(vm, HV_LIFE_PAUSED);
    hv_record_state(cpu, vm, HV_LIFE_PAUSED, 0);
    return true;
}

static void hold(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
    if (vcpu->held == 0U) {
        __atomic_store_n(&vcpu->held, 1U, __ATOMIC_RELAXED);
        vm->vcpus_held++;
    }
}

static void let_go(struct hv_vm *vm, struct hv_vcpu *vcpu)
{
    if (vcpu->held != 0U) {
        vm->vcpus_held--;
        __atomic_store_n(&vcpu->held, 0U, __ATOMIC_RELEASE);
    }
}

void hv_vm_resume(struct hv_cpu *cpu, struct hv_vm *vm)
{
    if (vm->state == HV_LIFE_PAUSED) {
        ash_vtimer_resume(&vm->machine.time, hv_arch_ticks());
        hv_machine_thaw(cpu, vm);
        hv_virtio_thaw(cpu, vm);
    }
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        struct hv_vcpu *vcpu = vm->vcpu[i];

        if (vcpu->held == 0U) {
            continue; /* off, or its CPU has not looked yet: its turn is that one's */
        }
        if (vcpu->turn.waits) { /* its timers' deadlines may be others now */
            vcpu->turn.wake_at = hv_machine_wake_time(vcpu, hv_arch_ticks());
        }
        vcpu->turn.ready_since = hv_arch_ticks(); /* nobody stole the time of the pause */
        let_go(vm, vcpu);
    }
    set_state(vm, HV_LIFE_RUNNING);
    hv_record_state(cpu, vm, HV_LIFE_RUNNING, 0);
    post(vm, HV_REQUEST_RUN);
}

/* ---- On the vCPU's CPU ------------------------------------------------------------------------------------------- */

bool hv_vm_vcpu_may_run(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    struct hv_vm *vm = vcpu->vm;
    enum hv_life_state state;
    bool paused = false;

    if (__atomic_load_n(&vcpu->on, __ATOMIC_ACQUIRE) == 0U) {
        return false;
    }
    hv_lock(&vm->lock);
    state = vm->state;
    if (state == HV_LIFE_RUNNING) {
        hv_machine_vcpu_started(vcpu);
    } else if (state == HV_LIFE_PAUSING) {
        hold(vm, vcpu);
        paused = look_whether_paused(cpu, vm);
    }
    hv_unlock(&vm->lock);
    if (paused) {
        hv_log(cpu->hv, "%s is paused", vm->name);
    }
    if (state == HV_LIFE_STOPPING) {
        hv_vm_vcpu_left(cpu, vcpu);
    }
    return state == HV_LIFE_RUNNING;
}

void hv_vm_vcpu_left(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    struct hv_vm *vm = vcpu->vm;
    bool paused = false;
    bool ended;

    hv_lock(&vm->lock);
    hv_machine_vcpu_stopped(vcpu);
    hv_account_off(&vcpu->account);
    hv_record(cpu, HV_EVENT_CPU_OFF, vm->slot << 8 | vcpu->index, 0);
    let_go(vm, vcpu);
    __atomic_store_n(&vcpu->on, 0U, __ATOMIC_RELAXED);
    vm->vcpus_on--;
    ended = vm->vcpus_on == 0U;
    if (ended) {
        /* Every vCPU called CPU_OFF: nobody can turn one on again. */
        hv_vm_stop_locked(vm, HV_END_OFF);
        hv_virtio_reset(cpu, vm); /* before its memory is another's, or holds its images again */
    } else if (vm->state == HV_LIFE_PAUSING) {
        paused = look_whether_paused(cpu, vm);
    }
    hv_unlock(&vm->lock);
    if (paused) {
        hv_log(cpu->hv, "%s is paused", vm->name);
    }
    if (ended) {
        hv_life_ended(cpu, vm);
    }
}

/* ---- Alarms ------------------------------------------------------------------------------------------------------ */

uint64_t hv_vm_alarm_time(const struct hv_vm *vm)
{
    uint64_t machine = hv_machine_alarm_time(vm);
    uint64_t off = __atomic_load_n(&vm->off_at, __ATOMIC_RELAXED);

    return machine < off ? machine : off;
}

void hv_vm_alarm(struct hv_cpu *cpu, struct hv_vm *vm)
{
    bool late = false;

    hv_machine_alarm(cpu, vm);
    if (__atomic_load_n(&vm->off_at, __ATOMIC_RELAXED) > hv_arch_ticks()) {
        return;
    }
    hv_lock(&vm->lock);
    if (vm->off_at <= hv_arch_ticks()) {
        late = true;
        hv_vm_stop_locked(vm, HV_END_COMMAND);
    }
    hv_unlock(&vm->lock);
    if (late) {
        hv_log(vm->hv, "%s did not shut down in %u ms", vm->name, vm->config.shutdown_timeout_ms);
    }
}
