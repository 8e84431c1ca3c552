/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/vm.h"

#include <stdarg.h>

#include "core/cpu.h"
#include "core/format.h"
#include "core/hv.h"
#include "glue/console_glue.h"
#include "glue/loader.h"

#define REPORTS_MAX 16U

void hv_vm_report(struct hv_vm *vm, const char *format, ...)
{
    char line[200];
    va_list args;
    uint32_t number = __atomic_fetch_add(&vm->reports, 1U, __ATOMIC_RELAXED);

    if (number > REPORTS_MAX) {
        return;
    }
    if (number == REPORTS_MAX) {
        hv_log(vm->hv, "%s: more such events are not reported", vm->name);
        return;
    }
    va_start(args, format);
    (void)hv_vformat(line, sizeof(line), format, args);
    va_end(args);
    hv_log(vm->hv, "%s: %s", vm->name, line);
}

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

int hv_vm_start(struct hv_cpu *cpu, struct hv_vm *vm)
{
    struct hv_loaded loaded;
    int error = hv_loader_load(cpu, vm, &loaded);

    if (error != ASH_OK) {
        return error;
    }
    hv_lock(&vm->lock);
    if (vm->ran) { /* a new one is as a reset leaves it */
        hv_machine_reset(vm);
    }
    vm->ran = true;
    vm->state = HV_VM_RUNNING;
    hv_vm_vcpu_on(vm, 0, loaded.entry, loaded.x0);
    hv_unlock(&vm->lock);
    return ASH_OK;
}

void hv_vm_stop(struct hv_vm *vm, enum hv_vm_end end)
{
    hv_lock(&vm->lock);
    if (vm->state == HV_VM_RUNNING) {
        vm->state = HV_VM_STOPPING;
        vm->end = end;
        for (uint32_t i = 0; i < vm->vcpus; i++) {
            if (vm->vcpu[i]->on != 0U) {
                hv_cpu_post(vm->vcpu[i]->cpu, HV_REQUEST_STOP);
            }
        }
    }
    hv_unlock(&vm->lock);
}

bool hv_vm_vcpu_may_run(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    struct hv_vm *vm = vcpu->vm;
    bool stopping;

    if (__atomic_load_n(&vcpu->on, __ATOMIC_ACQUIRE) == 0U) {
        return false;
    }
    hv_lock(&vm->lock);
    stopping = vm->state != HV_VM_RUNNING;
    if (!stopping) {
        hv_machine_vcpu_started(vcpu);
    }
    hv_unlock(&vm->lock);
    if (stopping) {
        hv_vm_vcpu_left(cpu, vcpu);
    }
    return !stopping;
}

void hv_vms_stop_background(struct hv *hv)
{
    bool alone;

    hv_lock(&hv->vms_lock);
    alone = hv->foreground == 0U;
    hv_unlock(&hv->vms_lock);
    for (uint32_t i = 0; alone && i < hv->vms; i++) {
        hv_vm_stop(hv->vm[i], HV_END_OFF);
    }
}

/** The VM list's account of an ended VM; with the last one that matters, the machine ends. */
static void account_end(struct hv_vm *vm)
{
    struct hv *hv = vm->hv;
    bool last_of_all;

    hv_lock(&hv->vms_lock);
    hv->ended = vm->name;
    if (vm->end == HV_END_FAULT && hv->faulted == NULL) {
        hv->faulted = vm->name;
    }
    hv->live--;
    hv->foreground -= vm->config.background ? 0U : 1U;
    last_of_all = hv->live == 0U;
    hv_unlock(&hv->vms_lock);

    if (last_of_all) {
        hv_finish(hv);
    }
    hv_vms_stop_background(hv);
}

void hv_vm_never_started(struct hv_vm *vm)
{
    vm->end = HV_END_FAULT;
    vm->state = HV_VM_ENDED;
    account_end(vm);
}

/** On the CPU whose vCPU left last, or that found the start impossible. */
static void vm_ended(struct hv_cpu *cpu, struct hv_vm *vm)
{
    static const char *const words[] = {
        [HV_END_OFF] = "is off", [HV_END_RESET] = "resets", [HV_END_FAULT] = "was stopped for a fault"};

    hv_console_vm_over(vm);
    hv_log(vm->hv, "%s %s", vm->name, words[vm->end]);
    if (vm->end == HV_END_RESET) {
        int error;
        vm->state = HV_VM_READY; /* no vCPU is on: nobody else looks */
        error = hv_vm_start(cpu, vm);
        if (error == ASH_OK) {
            /* The last of the others may have gone while there was nothing here to stop. */
            hv_vms_stop_background(vm->hv);
            return;
        }
        hv_log(vm->hv, "%s: cannot start again: %s", vm->name, ash_error_name(error));
        vm->end = HV_END_FAULT;
    }
    vm->state = HV_VM_ENDED;
    account_end(vm);
}

void hv_vm_vcpu_left(struct hv_cpu *cpu, struct hv_vcpu *vcpu)
{
    struct hv_vm *vm = vcpu->vm;
    bool ended;

    hv_lock(&vm->lock);
    hv_machine_vcpu_stopped(vcpu);
    hv_account_off(&vcpu->account);
    vcpu->on = 0;
    vm->vcpus_on--;
    ended = vm->vcpus_on == 0U;
    if (ended && vm->state == HV_VM_RUNNING) {
        /* Every vCPU called CPU_OFF: nobody can turn one on again. */
        vm->state = HV_VM_STOPPING;
        vm->end = HV_END_OFF;
    }
    hv_unlock(&vm->lock);
    if (ended) {
        vm_ended(cpu, vm);
    }
}
