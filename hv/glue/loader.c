/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/loader.h"

#include <libbase/checked.h>
#include <libbase/mem.h>
#include <libboot/image.h>

#include "arch/arch.h"
#include "core/format.h"
#include "core/guest_memory.h"
#include "core/hv.h"

struct images {
    struct ash_boot_span kernel;
    struct ash_boot_span ramdisk;
    struct ash_boot_image image;
    struct ash_boot_placement placement;
};

static void log_fault(struct hv_vm *vm, const struct ash_boot_fault *fault)
{
    char line[ASH_BOOT_FAULT_LINE_SIZE];

    (void)ash_boot_fault_format(line, sizeof(line), fault);
    hv_log(vm->hv, "%s: %s", vm->name, line);
}

static int find_and_place(struct hv_vm *vm, struct images *images, struct ash_boot_fault *fault)
{
    const struct ash_boot_bundle *bundle = &vm->hv->bundle;
    struct ash_boot_place_request request = {
        .image = &images->image,
        .ram_base = vm->machine.ram.base,
        .ram_size = vm->machine.ram.size,
        .dtb_size = ASH_BOOT_GUEST_FDT_SIZE,
        .has_entry = vm->config.has_entry,
        .entry = ash_ipa(vm->config.entry),
    };
    int error = ash_boot_bundle_find(bundle, vm->config.kernel, &images->kernel, fault);

    if (error == ASH_OK && vm->config.ramdisk != NULL) {
        error = ash_boot_bundle_find(bundle, vm->config.ramdisk, &images->ramdisk, fault);
    }
    if (error == ASH_OK) {
        error = ash_boot_image_identify(images->kernel.data, images->kernel.size, &images->image, fault);
    }
    if (error == ASH_OK) {
        request.initrd_size = images->ramdisk.size;
        error = ash_boot_place(&request, &images->placement, fault);
    }
    return error;
}

/** The VM's bootargs with hv's additions behind them. */
static int compose_bootargs(const struct hv_vm *vm, char *buffer, size_t size)
{
    const char *own = vm->config.bootargs != NULL ? vm->config.bootargs : "";
    size_t length = hv_format(buffer, size, "%s", own);

    if (length < size && vm->hv->guest_args_size > 0U) {
        char added[128];
        size_t n =
            vm->hv->guest_args_size < sizeof(added) - 1U ? vm->hv->guest_args_size : sizeof(added) - 1U;
        memcpy(added, vm->hv->guest_args, n);
        added[n] = '\0';
        length += hv_format(buffer + length, size - length, "%s%s", length > 0U ? " " : "", added);
    }
    return length < size ? ASH_OK : ASH_ENOSPC;
}

static int write_tree(struct hv_vm *vm, const struct images *images)
{
    static const size_t seed_size = 32;
    struct ash_boot_guest_machine machine = vm->machine.layout;
    char bootargs[ASH_BOOT_BOOTARGS_SIZE];
    uint8_t seed[32];
    uint64_t kaslr[1];
    void *tree = hv_guest_map(vm, images->placement.dtb, ASH_BOOT_GUEST_FDT_SIZE);
    size_t used;

    if (tree == NULL) {
        return ASH_EINTERNAL;
    }
    if (compose_bootargs(vm, bootargs, sizeof(bootargs)) != ASH_OK) {
        hv_log(vm->hv, "%s: bootargs with hv's additions are longer than %u bytes", vm->name,
               (unsigned)sizeof(bootargs));
        return ASH_ENOSPC;
    }
    hv_lock(&vm->hv->vms_lock);
    hv_rng_bytes(&vm->hv->rng, seed, seed_size);
    hv_rng_bytes(&vm->hv->rng, kaslr, sizeof(kaslr));
    hv_unlock(&vm->hv->vms_lock);
    machine.bootargs = bootargs;
    machine.initrd = images->placement.initrd;
    machine.initrd_size = images->placement.initrd_size;
    machine.rng_seed = vm->config.rng_seed;
    if (machine.rng_seed.size == 0U) {
        machine.rng_seed = (struct ash_boot_span){seed, seed_size};
        machine.has_kaslr_seed = true;
        machine.kaslr_seed = kaslr[0];
    }
    return ash_boot_guest_fdt_write(&machine, tree, ASH_BOOT_GUEST_FDT_SIZE, &used);
}

static int fill_ram(struct hv_vm *vm, const struct images *images)
{
    const struct ash_boot_placement *place = &images->placement;
    void *ram = hv_guest_map(vm, vm->machine.ram.base, vm->machine.ram.size);
    int error;

    if (ram == NULL) {
        return ASH_EINTERNAL;
    }
    hv_arch_zero_pages(ram, vm->machine.ram.size);
    error = hv_guest_write(vm, place->kernel, images->kernel.data, images->kernel.size);
    if (error == ASH_OK && place->initrd_size > 0U) {
        error = hv_guest_write(vm, place->initrd, images->ramdisk.data, images->ramdisk.size);
    }
    if (error == ASH_OK) {
        error = write_tree(vm, images);
    }
    hv_arch_publish_to_guest(ram, vm->machine.ram.size);
    return error;
}

int hv_loader_load(struct hv_cpu *cpu, struct hv_vm *vm, struct hv_loaded *loaded)
{
    struct images images = {.kernel = {NULL, 0}};
    struct ash_boot_fault fault;
    int error;

    ash_boot_fault_clear(&fault);
    hv_arch_fp_borrow(cpu);
    error = find_and_place(vm, &images, &fault);
    if (error != ASH_OK) {
        log_fault(vm, &fault);
    } else {
        error = fill_ram(vm, &images);
    }
    hv_arch_fp_return(cpu);
    loaded->entry = images.placement.entry;
    loaded->x0 = images.placement.dtb.value;
    return error;
}
