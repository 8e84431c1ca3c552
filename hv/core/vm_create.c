/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM out of the plan: vCPUs, machine. */
#include "core/hv.h"
#include "glue/console_glue.h"
#include "core/place.h"

static int refuse(struct hv *hv, struct ash_boot_vm *config, int code, const char *problem,
                  const char *allowed)
{
    if (config->fault.code == ASH_OK) { /* else it says better what is wrong */
        (void)ash_boot_vm_refuse(config, code, NULL, NULL, problem, allowed);
    }
    hv_log_fault(hv, &config->fault);
    return code;
}

static void give_back_objects(struct hv *hv, struct hv_vm *vm)
{
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        hv_pages_free(&hv->pages, vm->vcpu[i], hv_pages_for(sizeof(struct hv_vcpu)));
    }
    hv_pages_free(&hv->pages, vm, hv_pages_for(sizeof(*vm)));
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
        vcpu->turn.cpus = hv_plan_may_move(vm->config.cpu_set[i]) ? vm->config.cpu_set[i] : 0U;
        vcpu->turn.priority = vm->config.priority;
        vcpu->turn.slice = vm->config.time_slice_us * hv_arch_ticks_per_second() / 1000000U;
        hv_budget_init(&vcpu->turn.budget, vm->config.budget_us, vm->config.period_us,
                       hv_arch_ticks_per_second());
        vm->vcpu[i] = vcpu;
    }
    return ASH_OK;
}

int hv_vm_make(struct hv_place *place, struct hv_vm **made)
{
    struct hv *hv = place->hv;
    struct ash_boot_vm *config = place->plan->config;
    struct hv_vm *vm = (struct hv_vm *)hv_pages_alloc_zeroed(&hv->pages, hv_pages_for(sizeof(*vm)));
    int error;

    if (vm == NULL) {
        return refuse(hv, config, ASH_ENOMEM, "finds hv's page pool empty", "fewer VMs");
    }
    vm->hv = hv;
    vm->place = place;
    vm->slot = place->number;
    vm->config = *config;
    vm->images = place->plan->images;
    vm->vcpus = config->vcpus;
    vm->name = config->name;
    vm->state = HV_LIFE_OFF;
    vm->off_at = UINT64_MAX;
    error = make_vcpus(hv, vm, place->plan);
    if (error == ASH_OK) {
        error = hv_machine_create(vm, place->plan);
    }
    if (error == ASH_OK) {
        error = hv_console_vm_created(vm);
        if (error != ASH_OK) {
            hv_machine_destroy(vm);
        }
    }
    if (error != ASH_OK) {
        give_back_objects(hv, vm);
        return refuse(hv, config, error,
                      error == ASH_ENOMEM ? "finds hv's page pool empty"
                                          : "has a machine that cannot be built",
                      error == ASH_ENOMEM ? "fewer VMs or vCPUs" : ash_error_name(error));
    }
    *made = vm;
    return ASH_OK;
}

void hv_vm_free(struct hv_vm *vm)
{
    hv_console_vm_gone(vm);
    give_back_objects(vm->hv, vm);
}
