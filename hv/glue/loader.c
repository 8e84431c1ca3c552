/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/loader.h"

#include <libbase/mem.h>

#include "arch/arch.h"
#include "core/format.h"
#include "core/guest_memory.h"
#include "core/hv.h"

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

static int write_tree(struct hv_vm *vm)
{
    static const size_t seed_size = 32;
    struct ash_boot_guest_machine machine = vm->machine.layout;
    char bootargs[ASH_BOOT_BOOTARGS_SIZE];
    uint8_t seed[32];
    uint64_t kaslr[1];
    /* Never in two pieces: they are whole blocks of 2 MiB, and a tree crosses the end of one only where RAM is no
     * multiple of that (ash_boot_place()). */
    void *tree = hv_guest_map(vm, vm->images.placement.dtb, ASH_BOOT_GUEST_FDT_SIZE);
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
    machine.initrd = vm->images.placement.initrd;
    machine.initrd_size = vm->images.placement.initrd_size;
    machine.rng_seed = vm->config.rng_seed;
    if (machine.rng_seed.size == 0U) {
        machine.rng_seed = (struct ash_boot_span){seed, seed_size};
        machine.has_kaslr_seed = true;
        machine.kaslr_seed = kaslr[0];
    }
    return ash_boot_guest_fdt_write(&machine, tree, ASH_BOOT_GUEST_FDT_SIZE, &used);
}

/** Every piece of the RAM in turn: zeroed, if it is not to keep what it holds, and as a guest with its caches off will
 *  see it. */
static void each_part(struct hv_vm *vm, bool zero)
{
    for (uint32_t i = 0; i < vm->machine.parts; i++) {
        void *ram = (void *)(uintptr_t)vm->machine.part[i].pa;

        if (zero) {
            hv_arch_zero_and_publish(ram, vm->machine.part[i].size);
        } else {
            hv_arch_publish_to_guest(ram, vm->machine.part[i].size);
        }
    }
}

static int put(struct hv_vm *vm, ash_ipa_t ipa, const struct ash_boot_span *what)
{
    int error = hv_guest_write(vm, ipa, what->data, what->size);

    return error == ASH_OK ? hv_guest_publish(vm, ipa, what->size) : error;
}

static int fill_ram(struct hv_vm *vm)
{
    const struct ash_boot_vm_images *images = &vm->images;
    const struct ash_boot_placement *place = &images->placement;
    int error;

    each_part(vm, true);
    error = put(vm, place->kernel, &images->kernel);
    if (error == ASH_OK && place->initrd_size > 0U) {
        error = put(vm, place->initrd, &images->ramdisk);
    }
    if (error == ASH_OK) {
        error = write_tree(vm);
    }
    /* All of the buffer: libfdt builds the tree's strings at its end first. */
    return error == ASH_OK ? hv_guest_publish(vm, place->dtb, ASH_BOOT_GUEST_FDT_SIZE) : error;
}

int hv_loader_load(struct hv_cpu *cpu, struct hv_vm *vm, struct hv_loaded *loaded)
{
    int error = ASH_OK;

    loaded->entry = vm->images.placement.entry;
    loaded->x0 = vm->images.placement.dtb.value;
    if (vm->config.kernel == NULL && vm->spent) {
        hv_log(vm->hv,
               "%s: its images were in memory and are used up: only the boot loader can start it again",
               vm->name);
        return ASH_ENOTSUP;
    }
    if (vm->config.kernel != NULL) {
        hv_arch_fp_borrow(cpu);
        error = fill_ram(vm);
        hv_arch_fp_return(cpu);
    } else {
        each_part(vm, false);
    }
    vm->spent = true;
    return error;
}
