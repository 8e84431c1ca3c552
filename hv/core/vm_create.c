/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM out of its configuration: CPUs, memory, machine. */
#include <libbase/bits.h>

#include "core/format.h"
#include "core/hv.h"

static int refuse(struct hv *hv, struct ash_boot_vm *config, int code, const char *property,
                  const char *value, const char *problem, const char *allowed)
{
    char line[ASH_BOOT_FAULT_LINE_SIZE];

    (void)ash_boot_vm_refuse(config, code, property, value, problem, allowed);
    (void)ash_boot_fault_format(line, sizeof(line), &config->fault);
    hv_log(hv, "%s", line);
    return code;
}

/** A CPU for vCPU @index: the one that the configuration names, else the first that nobody wants. */
static struct hv_cpu *choose_cpu(struct hv *hv, const struct ash_boot_vm *config, uint32_t index)
{
    if (config->affinity_count > 0U) {
        uint32_t wanted = config->affinity[index];
        return wanted < hv->cpus && hv->cpu[wanted]->assigned == NULL ? hv->cpu[wanted] : NULL;
    }
    for (uint32_t i = 0; i < hv->cpus; i++) {
        if (hv->cpu[i]->assigned == NULL && (hv->cpus_named & (1U << i)) == 0U) {
            return hv->cpu[i];
        }
    }
    return NULL;
}

static void give_back_vcpus(struct hv *hv, struct hv_vm *vm)
{
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        if (vm->vcpu[i] != NULL) {
            vm->vcpu[i]->cpu->assigned = NULL;
            hv_pages_free(&hv->pages, vm->vcpu[i], hv_pages_for(sizeof(struct hv_vcpu)));
        }
    }
}

static int take_vcpus(struct hv *hv, struct hv_vm *vm)
{
    for (uint32_t i = 0; i < vm->vcpus; i++) {
        struct hv_cpu *cpu = choose_cpu(hv, &vm->config, i);
        struct hv_vcpu *vcpu;

        if (cpu == NULL) {
            char value[32];
            (void)hv_format(value, sizeof(value), "<%u>",
                            vm->config.affinity_count > 0U ? vm->config.affinity[i] : vm->vcpus);
            return refuse(
                hv, &vm->config, ASH_EBUSY, vm->config.affinity_count > 0U ? "vcpu_affinity" : "vcpus", value,
                "needs a CPU that is free", "as many vCPUs in all as the board has CPUs, one on each");
        }
        vcpu = (struct hv_vcpu *)hv_pages_alloc_zeroed(&hv->pages, hv_pages_for(sizeof(*vcpu)));
        if (vcpu == NULL) {
            return refuse(hv, &vm->config, ASH_ENOMEM, "vcpus", "", "hv's page pool is empty",
                          "fewer VMs or vCPUs");
        }
        vcpu->vm = vm;
        vcpu->index = i;
        vcpu->cpu = cpu;
        vm->vcpu[i] = vcpu;
        cpu->assigned = vcpu;
    }
    return ASH_OK;
}

static int take_memory(struct hv *hv, struct hv_vm *vm, uint64_t *ram_pa)
{
    int error = hv_ranges_alloc(&hv->ranges, vm->config.memory_size, HV_OWNER_VM, vm->slot, ram_pa);

    if (error != ASH_OK) {
        char value[48];
        (void)hv_format(value, sizeof(value), "0x%lx; the largest free range is 0x%lx",
                        vm->config.memory_size, hv_ranges_largest_free(&hv->ranges));
        return refuse(hv, &vm->config, error, "memory", value, "does not fit",
                      "at most the largest free range");
    }
    return ASH_OK;
}

static int build(struct hv *hv, struct hv_vm *vm)
{
    uint64_t ram_pa = 0;
    int error = take_vcpus(hv, vm);

    if (error == ASH_OK) {
        error = take_memory(hv, vm, &ram_pa);
    }
    if (error == ASH_OK) {
        error = hv_machine_create(vm, ram_pa);
        if (error != ASH_OK) {
            (void)refuse(hv, &vm->config, error, NULL, NULL, "its machine cannot be built",
                         ash_error_name(error));
        }
    }
    if (error != ASH_OK) {
        hv_ranges_release_vm(&hv->ranges, vm->slot);
        give_back_vcpus(hv, vm);
    }
    return error;
}

int hv_vm_create(struct hv *hv, const struct ash_boot_vm *config)
{
    struct ash_boot_vm refused = *config;
    struct hv_vm *vm;
    int error;

    if (hv->vms == HV_MAX_VMS) {
        return refuse(hv, &refused, ASH_ENOSPC, NULL, NULL, "is one VM too many", "16 VMs");
    }
    if (config->memory_count != 0U) {
        return refuse(hv, &refused, ASH_ENOTSUP, "memory", "<base size>", "is not supported yet", "<size>");
    }
    vm = (struct hv_vm *)hv_pages_alloc_zeroed(&hv->pages, hv_pages_for(sizeof(*vm)));
    if (vm == NULL) {
        return refuse(hv, &refused, ASH_ENOMEM, NULL, NULL, "hv's page pool is empty", "fewer VMs");
    }
    vm->hv = hv;
    vm->slot = hv->vms;
    vm->config = *config;
    vm->vcpus = config->vcpus;
    vm->name = vm->config.name;
    error = build(hv, vm);
    if (error != ASH_OK) {
        hv_pages_free(&hv->pages, vm, hv_pages_for(sizeof(*vm)));
        return error;
    }
    hv->vm[hv->vms++] = vm;
    return ASH_OK;
}
