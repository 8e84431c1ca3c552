/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/firmware.h"

#include "core/hv.h"

static enum hv_verdict act(struct hv_vm *vm, const struct ash_vcpu_action *action)
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
    case ASH_VCPU_ACTION_CPU_ON:  /* done under the lock already */
    case ASH_VCPU_ACTION_STANDBY: /* a pinned vCPU's WFI is its own: return at once, as an early wake-up may */
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

    (void)cpu;
    hv_lock(&vm->lock);
    if (ash_vcpu_smccc_call(&vm->machine.psci, vcpu->index, vcpu->context.x, conduit, immediate, &action) ==
            ASH_OK &&
        action.kind == ASH_VCPU_ACTION_CPU_ON) {
        if (vm->state == HV_VM_RUNNING) {
            hv_vm_vcpu_on(vm, action.target, action.entry, action.context_id);
        } else {
            ASH_DISCARD(
                ash_vcpu_psci_stopped(&vm->machine.psci, action.target)); /* ON_PENDING: just made so */
        }
    }
    hv_unlock(&vm->lock);
    return act(vm, &action);
}
