/* SPDX-License-Identifier: BSD-2-Clause */
/* The properties of a VM's node that say which machine it is. */
#include <libbase/bits.h>
#include <libbase/compiler.h>

#include "internal.h"

#define FILE_NAME_SIZE 256U /* bytes, NUL included */

const char *ash_boot_parse_machine_(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    static const char *const words[] = {[ASH_BOOT_VM_VIRT] = "virt", [ASH_BOOT_VM_BCM2837] = "bcm2837"};

    if (!ash_boot_fdt_is_string_(value)) {
        return "is not one string";
    }
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(words); i++) {
        if (ash_boot_strings_equal_((const char *)value.data, words[i])) {
            vm->machine = (enum ash_boot_vm_machine)i;
            return NULL;
        }
    }
    return "is none of the words";
}

const char *ash_boot_parse_dtb_(struct ash_boot_vm *vm, struct ash_boot_span value)
{
    if (!ash_boot_fdt_is_string_(value)) {
        return "is not one string";
    }
    if (value.size == 1U || value.size > FILE_NAME_SIZE) {
        return value.size == 1U ? "is empty" : "is too long";
    }
    vm->dtb = (const char *)value.data;
    return NULL;
}

static bool has_vcpus(const struct ash_boot_vm *vm)
{
    return vm->vcpus > ASH_BOOT_BCM2837_VCPUS;
}

static bool has_ranges(const struct ash_boot_vm *vm)
{
    return vm->memory_count != 0U;
}

static bool has_memory(const struct ash_boot_vm *vm)
{
    return vm->memory_size > ASH_BOOT_BCM2837_RAM_MAX;
}

static bool has_no_kernel(const struct ash_boot_vm *vm)
{
    return vm->kernel == NULL;
}

static bool has_ramdisk(const struct ash_boot_vm *vm)
{
    return vm->ramdisk != NULL;
}

static bool has_seed(const struct ash_boot_vm *vm)
{
    return vm->rng_seed.size != 0U;
}

static bool has_low_entry(const struct ash_boot_vm *vm)
{
    return vm->has_entry && vm->entry < ASH_BOOT_BCM2837_FIRST;
}

static bool has_virtio(const struct ash_boot_vm *vm)
{
    return vm->virtio_count != 0U;
}

/** What a bcm2837 is too small or too simple for. */
static const struct {
    bool (*is_wrong)(const struct ash_boot_vm *vm);
    const char *property;
    const char *problem;
    const char *allowed;
} checks[] = {
    {has_no_kernel, "kernel", "is missing", "the name of a file in the bundle"},
    {has_vcpus, "vcpus", "is more than a bcm2837 has", "one cell, 1..4"},
    {has_ranges, "memory", "has a base, and a bcm2837's memory begins at 0", "<size-high size-low>"},
    {has_memory, "memory", "reaches into the peripherals of a bcm2837", "at most 0x3f000000 bytes"},
    {has_ramdisk, "ramdisk", "has no effect in a bcm2837", "leaving it out"},
    {has_seed, "rng-seed", "has no effect in a bcm2837", "leaving it out"},
    {has_virtio, "virtio", "is given, and a bcm2837 has no virtio", "leaving the nodes virtio_* out"},
    {has_low_entry, "entry", "is where the firmware's spin table is", "0x1000 or more"},
};

void ash_boot_vm_check_machine_(struct ash_boot_vm *vm)
{
    if (vm->machine != ASH_BOOT_VM_BCM2837) {
        if (vm->dtb != NULL && vm->fault.code == ASH_OK) {
            (void)ash_boot_vm_refuse(vm, ASH_EFORMAT, "dtb", NULL,
                                     "is given for a machine whose tree hv writes",
                                     "leaving it out; or machine = \"bcm2837\"");
        }
        return;
    }
    for (unsigned i = 0; i < ASH_ARRAY_SIZE(checks) && vm->fault.code == ASH_OK; i++) {
        if (checks[i].is_wrong(vm)) {
            (void)ash_boot_vm_refuse(vm, ASH_ERANGE, checks[i].property, NULL, checks[i].problem,
                                     checks[i].allowed);
        }
    }
}
