/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/cpu.h"

#include "arch/arch.h"
#include "core/hv.h"
#include "core/move.h"
#include "glue/console_glue.h"
#include "glue/stage2.h"

void hv_cpu_post(struct hv_cpu *cpu, uint32_t requests)
{
    /* Release: whoever takes the bits sees what they are about. */
    (void)__atomic_fetch_or(&cpu->requests, requests, __ATOMIC_RELEASE);
    hv_arch_kick(cpu);
}

void hv_cpu_attend(struct hv_cpu *cpu, uint32_t requests)
{
    if ((requests & HV_REQUEST_HALT) != 0U) {
        hv_arch_halt();
    }
    if ((requests & HV_REQUEST_MAIL) != 0U) {
        hv_mail_deliver_all(cpu);
    }
    if ((requests & HV_REQUEST_CONSOLE) != 0U) {
        hv_console_step(cpu);
    }
}

/** Look for work once. Returns if there is none. */
static void run_what_is_runnable(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu;
    int error;

    hv_cpu_attend(cpu, hv_cpu_take_requests(cpu));
    vcpu = hv_sched_next(cpu);
    if (vcpu == NULL) {
        return;
    }
    error = hv_stage2_enter(cpu, vcpu->vm);
    if (error != ASH_OK) {
        hv_vm_report(vcpu->vm, "vCPU %u: no VMID: %s", vcpu->index, ash_error_name(error));
        hv_vm_stop(vcpu->vm, HV_END_FAULT); /* the next look finds it stopping */
        return;
    }
    if (vcpu->restarts) {
        vcpu->restarts = false;
        hv_machine_vcpu_restart(vcpu, vcpu->restart_entry, vcpu->restart_x0);
    }
    hv_account_add(&vcpu->account.loads, 1);
    __atomic_store_n(&cpu->vcpu, vcpu, __ATOMIC_RELAXED); /* others ask who it is */
    hv_record_load(cpu, true, true);
    hv_arch_vcpu_load(cpu);
    hv_arch_enter(cpu);
}

void hv_cpu_idle(struct hv_cpu *cpu)
{
    hv_account_sleep(&cpu->account);
    hv_move_idle(cpu);
    hv_arch_idle(cpu);
    hv_move_busy(cpu);
    hv_account_wake(&cpu->account);
}

void hv_cpu_main(struct hv_cpu *cpu)
{
    __atomic_store_n(&cpu->online, 1U, __ATOMIC_RELEASE);
    for (;;) {
        run_what_is_runnable(cpu);
        if (hv_jobs_step(cpu)) {
            hv_arch_take_interrupts(cpu);
        } else {
            /* A request posted after the look came with an interrupt, which keeps this from sleeping. */
            hv_cpu_idle(cpu);
        }
    }
}

void hv_vcpu_left(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;
    bool stays = vcpu->turn.stays;

    vcpu->turn.stays = false;
    hv_arch_vcpu_put(cpu);
    hv_stage2_leave(cpu);
    stays = stays && !hv_vm_is_stopping(vcpu->vm);
    hv_record_load(cpu, false, stays);
    __atomic_store_n(&cpu->vcpu, NULL, __ATOMIC_RELAXED);
    hv_sched_put(vcpu, stays);
    if (!stays) {
        hv_vm_vcpu_left(cpu, vcpu);
    }
    hv_cpu_main(cpu);
}
