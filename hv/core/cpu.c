/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/cpu.h"

#include "arch/arch.h"
#include "core/hv.h"
#include "glue/stage2.h"

void hv_cpu_post(struct hv_cpu *cpu, uint32_t requests)
{
    /* Release: whoever takes the bits sees what they are about. */
    (void)__atomic_fetch_or(&cpu->requests, requests, __ATOMIC_RELEASE);
    hv_arch_kick(cpu);
}

/** Look for work once. Returns if there is none. */
static void run_what_is_runnable(struct hv_cpu *cpu)
{
    uint32_t requests = hv_cpu_take_requests(cpu);

    if ((requests & HV_REQUEST_HALT) != 0U) {
        hv_arch_halt();
    }
    if (cpu->assigned != NULL && hv_vm_vcpu_may_run(cpu, cpu->assigned)) {
        struct hv_vm *vm = cpu->assigned->vm;
        int error = hv_stage2_enter(cpu, vm);

        if (error != ASH_OK) {
            hv_vm_report(vm, "vCPU %u: no VMID: %s", cpu->assigned->index, ash_error_name(error));
            hv_vm_stop(vm, HV_END_FAULT); /* the next look finds it stopping */
            return;
        }
        cpu->vcpu = cpu->assigned;
        hv_arch_vcpu_load(cpu);
        hv_arch_enter(cpu);
    }
}

void hv_cpu_main(struct hv_cpu *cpu)
{
    __atomic_store_n(&cpu->online, 1U, __ATOMIC_RELEASE);
    for (;;) {
        run_what_is_runnable(cpu);
        /* A request posted after the look came with an interrupt, which keeps this from sleeping. */
        hv_arch_idle(cpu);
    }
}

void hv_vcpu_left(struct hv_cpu *cpu)
{
    struct hv_vcpu *vcpu = cpu->vcpu;

    hv_arch_vcpu_put(cpu);
    hv_stage2_leave(cpu);
    cpu->vcpu = NULL;
    if (vcpu->restarts && !hv_vm_is_stopping(vcpu->vm)) {
        hv_machine_vcpu_restart(vcpu, vcpu->restart_entry, vcpu->restart_x0);
    } else {
        hv_vm_vcpu_left(cpu, vcpu);
    }
    vcpu->restarts = false;
    hv_cpu_main(cpu);
}
