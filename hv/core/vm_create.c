/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM out of the plan: vCPUs, machine. */
#include "core/hv.h"
#include "glue/console_glue.h"

static int refuse(struct hv *hv, struct ash_boot_vm *config, int code, const char *problem,
                  const char *allowed)
{
    (void)ash_boot_vm_refuse(config, code, NULL, NULL, problem, allowed);
    hv_log_fault(hv, &config->fault);
    return code;
}

static void give_back_vcpus(struct hv *hv, struct hv_vm *vm)
{
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        if (vm->vcpu[i] != NULL) {
            hv_sched_remove(vm->vcpu[i]);
            hv_pages_free(&hv->pages, vm->vcpu[i], hv_pages_for(sizeof(struct hv_vcpu)));
        }
    }
}

static int make_vcpus(struct hv *hv, struct hv_vm *vm, const struct hv_plan_vm *plan)
{
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        struct hv_vcpu *vcpu =
            (struct hv_vcpu *)hv_pages_alloc_zeroed(&hv->pages, hv_pages_for(sizeof(*vcpu)));

        if (vcpu == NULL) {
            return ASH_ENOMEM;
        }
        vcpu->vm = vm;
        vcpu->index = i;
        vcpu->cpu = hv->cpu[plan->cpu[i]];
        vcpu->turn.priority = vm->config.priority;
        vcpu->turn.slice = vm->config.time_slice_us * hv_arch_ticks_per_second() / 1000000U;
        hv_budget_init(&vcpu->turn.budget, vm->config.budget_us, vm->config.period_us,
                       hv_arch_ticks_per_second());
        hv_sched_add(vcpu);
        vm->vcpu[i] = vcpu;
    }
    return ASH_OK;
}

static int build(struct hv *hv, struct hv_vm *vm, const struct hv_plan_vm *plan)
{
    int error = make_vcpus(hv, vm, plan);

    if (error == ASH_OK) {
        error = hv_machine_create(vm, plan);
    }
    if (error == ASH_OK) {
        error = hv_console_vm_created(vm);
        if (error != ASH_OK) {
            hv_machine_destroy(vm);
        }
    }
    if (error != ASH_OK) {
        give_back_vcpus(hv, vm);
    }
    return error;
}

int hv_vm_create(struct hv *hv, const struct hv_plan_vm *plan)
{
    struct hv_vm *vm = (struct hv_vm *)hv_pages_alloc_zeroed(&hv->pages, hv_pages_for(sizeof(*vm)));
    int error;

    if (vm == NULL) {
        return refuse(hv, plan->config, ASH_ENOMEM, "finds hv's page pool empty", "fewer VMs");
    }
    vm->hv = hv;
    vm->slot = hv->vms;
    vm->config = *plan->config;
    vm->images = plan->images;
    vm->vcpus = vm->config.vcpus;
    vm->name = vm->config.name;
    error = build(hv, vm, plan);
    if (error != ASH_OK) {
        hv_pages_free(&hv->pages, vm, hv_pages_for(sizeof(*vm)));
        return refuse(hv, plan->config, error,
                      error == ASH_ENOMEM ? "finds hv's page pool empty"
                                          : "has a machine that cannot be built",
                      error == ASH_ENOMEM ? "fewer VMs or vCPUs" : ash_error_name(error));
    }
    hv->vm[hv->vms++] = vm;
    return ASH_OK;
}
