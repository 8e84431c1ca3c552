/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/firmware.h"

#include <libbase/bits.h>

#include "arch/arch.h"
#include "core/hv.h"
#include "glue/hypercall.h"

/* A Trusted OS learns in w7[15:0] which guest asks (DEN0028 2.6, "Client ID"); its calls' owners are 48 and above. */
#define SMCCC_OWNER(function) (((function) >> 24) & 0x3fU)
#define OWNER_TRUSTED         48U

/** Wait as in a WFI, then begin at the entry: the vCPU leaves its CPU, which finds it on and runs it (core/cpu.c). */
static enum hv_verdict go_down(struct hv_cpu *cpu, const struct ash_vcpu_action *action)
{
    struct hv_vcpu *vcpu = cpu->vcpu;

    vcpu->restart_entry = action->entry;
    vcpu->restart_x0 = action->context_id;
    vcpu->restarts = true;
    if (hv_sched_wait(cpu) == HV_RESUME) {
        vcpu->turn.stays = true;
    }
    return HV_LEAVE;
}

static void forward(struct hv_vcpu *vcpu)
{
    uint64_t *x = vcpu->context.x;
    uint64_t own = x[7];
    uint64_t client;

    if (SMCCC_OWNER(x[0]) >= OWNER_TRUSTED) {
        x[7] = ash_with_field(x[7], 15, 0, vcpu->vm->slot + 1U);
    }
    client = x[7];
    hv_arch_smc(x);
    if (x[7] == client) {
        x[7] = own;
    }
}

static enum hv_verdict act(struct hv_cpu *cpu, struct hv_vm *vm, const struct ash_vcpu_action *action)
{
    switch (action->kind) {
    case ASH_VCPU_ACTION_CPU_OFF:
        return HV_LEAVE;
    case ASH_VCPU_ACTION_SYSTEM_OFF:
        hv_vm_stop(vm, HV_END_OFF);
        return HV_LEAVE;
    case ASH_VCPU_ACTION_SYSTEM_RESET:
        hv_vm_stop(vm, HV_END_RESET);
        return HV_LEAVE;
    case ASH_VCPU_ACTION_STANDBY:
        return hv_sched_wait(cpu);
    case ASH_VCPU_ACTION_POWER_DOWN:
    case ASH_VCPU_ACTION_SYSTEM_SUSPEND:
        return go_down(cpu, action);
    case ASH_VCPU_ACTION_FORWARD:
        forward(cpu->vcpu);
        return HV_RESUME;
    case ASH_VCPU_ACTION_CPU_ON: /* done under the lock already */
    case ASH_VCPU_ACTION_NONE:
    default:
        return HV_RESUME;
    }
}

enum hv_verdict hv_firmware_call(struct hv_cpu *cpu, struct hv_vcpu *vcpu, enum ash_vcpu_conduit conduit,
                                 uint16_t immediate)
{
    struct hv_vm *vm = vcpu->vm;
    struct ash_vcpu_action action = {.kind = ASH_VCPU_ACTION_NONE};

    if (hv_hypercall_is_ours((uint32_t)vcpu->context.x[0]) && immediate == 0U) {
        return hv_hypercall(cpu); /* takes its own locks */
    }
    hv_lock(&vm->lock);
    if (ash_vcpu_smccc_call(&vm->machine.psci, vcpu->index, vcpu->context.x, conduit, immediate, &action) ==
            ASH_OK &&
        action.kind == ASH_VCPU_ACTION_CPU_ON) {
        if (vm->state != HV_LIFE_STOPPING) { /* one that is paused takes it along */
            hv_record(cpu, HV_EVENT_CPU_ON, vm->slot << 8 | action.target, action.entry.value);
            hv_vm_vcpu_on(vm, action.target, action.entry, action.context_id);
        } else {
            ASH_DISCARD(
                ash_vcpu_psci_stopped(&vm->machine.psci, action.target)); /* ON_PENDING: just made so */
        }
    }
    hv_unlock(&vm->lock);
    return action.kind == ASH_VCPU_ACTION_NONE ? HV_RESUME : act(cpu, vm, &action);
}
