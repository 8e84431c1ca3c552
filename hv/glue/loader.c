/* SPDX-License-Identifier: BSD-2-Clause */
#include "glue/loader.h"

#include <libbase/mem.h>

#include "arch/arch.h"
#include "core/format.h"
#include "core/guest_memory.h"
#include "core/hv.h"
#include "core/job.h"
#include "glue/bcm2837.h"

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

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

enum phase { CLEAR, KERNEL, RAMDISK, TREE, INSTRUCTIONS, PUBLISH };

static int next_phase(struct hv_loading *loading, enum phase phase)
{
    loading->phase = (uint32_t)phase;
    loading->cursor = 0;
    return HV_LOADER_AGAIN;
}

/** The next piece of the RAM: zeroed, if it is not to keep what it holds, and published. */
static int go_over_ram(struct hv_vm *vm, struct hv_loading *loading, bool zero, enum phase next)
{
    uint64_t size = HV_JOB_BYTES;
    void *ram = hv_guest_ram_at(vm, loading->cursor, &size);

    if (ram == NULL) {
        return next_phase(loading, next);
    }
    if (zero) {
        hv_arch_zero_and_publish(ram, size);
    } else {
        hv_arch_publish_data(ram, size);
    }
    loading->cursor += size;
    return HV_LOADER_AGAIN;
}

/** The next piece of @what, which belongs at @ipa. */
static int put(struct hv_vm *vm, struct hv_loading *loading, ash_ipa_t ipa, const struct ash_boot_span *what,
               enum phase next)
{
    uint64_t left = what->size - loading->cursor;
    uint64_t size = left < HV_JOB_BYTES ? left : HV_JOB_BYTES;
    uint8_t *ram;

    if (left == 0U) {
        return next_phase(loading, next);
    }
    ram = (uint8_t *)hv_guest_run(vm, ash_ipa(ipa.value + loading->cursor), &size);
    if (ram == NULL) {
        return ASH_ERANGE;
    }
    memcpy(ram, (const uint8_t *)what->data + loading->cursor, size);
    hv_arch_publish_data(ram, size);
    loading->cursor += size;
    return HV_LOADER_AGAIN;
}

static int put_tree(struct hv_cpu *cpu, struct hv_vm *vm, struct hv_loading *loading)
{
    int error;

    hv_arch_fp_borrow(cpu);
    error = write_tree(vm);
    hv_arch_fp_return(cpu);
    if (error == ASH_OK) {
        /* All of the buffer: libfdt builds the tree's strings at its end first. */
        error = hv_guest_publish(vm, vm->images.placement.dtb, ASH_BOOT_GUEST_FDT_SIZE);
    }
    return error == ASH_OK ? next_phase(loading, INSTRUCTIONS) : error;
}

/** A Raspberry Pi's: what its firmware leaves, and the tree of the bundle as it is. */
static int put_firmware(struct hv_vm *vm, struct hv_loading *loading)
{
    char bootargs[ASH_BOOT_BOOTARGS_SIZE];
    int error = ASH_OK;

    if (loading->cursor == 0U) {
        error = compose_bootargs(vm, bootargs, sizeof(bootargs));
        if (error == ASH_OK) {
            error = hv_bcm2837_write_firmware(vm, bootargs);
        }
    }
    return error == ASH_OK ? put(vm, loading, vm->images.placement.dtb, &vm->images.dtb, INSTRUCTIONS)
                           : error;
}

int hv_loader_step(struct hv_cpu *cpu, struct hv_vm *vm, struct hv_loading *loading)
{
    static const struct ash_boot_span nothing = {NULL, 0};
    const struct ash_boot_vm_images *images = &vm->images;
    const struct ash_boot_placement *place = &images->placement;

    if (vm->config.kernel == NULL && loading->phase == CLEAR) {
        loading->phase = PUBLISH;
    }
    switch ((enum phase)loading->phase) {
    case CLEAR:
        return go_over_ram(vm, loading, true, KERNEL);
    case KERNEL:
        return put(vm, loading, place->kernel, &images->kernel, RAMDISK);
    case RAMDISK:
        return put(vm, loading, place->initrd, place->initrd_size > 0U ? &images->ramdisk : &nothing, TREE);
    case TREE:
        return vm->config.machine == ASH_BOOT_VM_BCM2837 ? put_firmware(vm, loading)
                                                         : put_tree(cpu, vm, loading);
    case PUBLISH:
        return go_over_ram(vm, loading, false, INSTRUCTIONS);
    case INSTRUCTIONS:
    default:
        hv_arch_publish_instructions();
        return ASH_OK;
    }
}
