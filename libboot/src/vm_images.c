/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/mem.h>

#include <libboot/vm_images.h>

#include "internal.h"

/** @fault of @vm's file @name becomes the VM's, as a mistake of @property: its value is the name, and then what of the
 *  file is wrong. */
static int refuse_file(struct ash_boot_vm *vm, const char *property, const char *name,
                       const struct ash_boot_fault *fault)
{
    char value[ASH_BOOT_FAULT_VALUE_SIZE];
    struct ash_boot_text_ text;

    ash_boot_text_begin_(&text, value, sizeof(value));
    if (name != NULL) {
        ash_boot_text_char_(&text, '"');
        ash_boot_text_string_(&text, name);
        ash_boot_text_char_(&text, '"');
    }
    if (fault->property[0] != '\0') {
        ash_boot_text_literal_(&text, name != NULL ? ", " : "");
        if (!ash_boot_strings_equal_(fault->property, property)) {
            ash_boot_text_literal_(&text, fault->property);
            ash_boot_text_char_(&text, ' ');
        }
        ash_boot_text_literal_(&text, fault->value);
    }
    return ash_boot_vm_refuse(vm, fault->code, property, value, fault->problem, fault->allowed);
}

static int find(struct ash_boot_vm *vm, const struct ash_boot_bundle *bundle, const char *property,
                const char *name, struct ash_boot_span *file)
{
    struct ash_boot_fault fault;

    if (bundle == NULL) {
        (void)ash_boot_fault_set(&fault, ASH_ENOENT, NULL, NULL, NULL, NULL, NULL,
                                 "cannot be found: there is no bundle",
                                 "a bundle with this file, or an image in memory (entry, setup_data)");
        return refuse_file(vm, property, name, &fault);
    }
    if (ash_boot_bundle_find(bundle, name, file, &fault) != ASH_OK) {
        return refuse_file(vm, property, name, &fault);
    }
    return ASH_OK;
}

/** ash_boot_place() says which part does not fit; the VM's node has a property for each. */
static int refuse_place(struct ash_boot_vm *vm, const struct ash_boot_fault *fault)
{
    if (ash_boot_strings_equal_(fault->property, "ramdisk")) {
        return refuse_file(vm, "ramdisk", vm->ramdisk, fault);
    }
    if (ash_boot_strings_equal_(fault->property, "entry")) {
        return refuse_file(vm, "entry", NULL, fault);
    }
    if (ash_boot_strings_equal_(fault->property, "kernel")) {
        return refuse_file(vm, "kernel", vm->kernel, fault);
    }
    return refuse_file(vm, "memory", NULL, fault); /* the tree, or a RAM that is none */
}

/** What the boot loader left is entered where it lies. */
static void lay_out_in_memory(const struct ash_boot_vm *vm, struct ash_boot_vm_images *images)
{
    images->placement.kernel = ash_ipa(vm->entry);
    images->placement.entry = ash_ipa(vm->entry);
    images->placement.dtb = ash_ipa(vm->has_setup_data ? vm->setup_data : 0U);
}

/** @fault of the image of @device becomes the VM's. */
static int refuse_disk(struct ash_boot_vm *vm, const struct ash_boot_virtio *device,
                       const struct ash_boot_fault *fault)
{
    char value[ASH_BOOT_FAULT_VALUE_SIZE];
    struct ash_boot_text_ text;

    ash_boot_text_begin_(&text, value, sizeof(value));
    ash_boot_text_char_(&text, '"');
    ash_boot_text_string_(&text, device->image);
    ash_boot_text_char_(&text, '"');
    if (fault->value[0] != '\0') {
        ash_boot_text_literal_(&text, ", ");
        ash_boot_text_literal_(&text, fault->value);
    }
    return ash_boot_virtio_refuse(vm, device, fault->code, "image", value, fault->problem, fault->allowed);
}

static int find_disk(struct ash_boot_vm *vm, const struct ash_boot_virtio *device,
                     const struct ash_boot_bundle *bundle, struct ash_boot_span *file)
{
    char size[32];
    struct ash_boot_text_ text;
    struct ash_boot_fault fault;

    if (bundle == NULL) {
        (void)ash_boot_fault_set(&fault, ASH_ENOENT, NULL, NULL, NULL, NULL, NULL,
                                 "cannot be found: there is no bundle", "a bundle with this file");
        return refuse_disk(vm, device, &fault);
    }
    if (ash_boot_bundle_find(bundle, device->image, file, &fault) != ASH_OK) {
        fault.value[0] = '\0'; /* the name again */
        return refuse_disk(vm, device, &fault);
    }
    if (file->size == 0U || file->size % ASH_BOOT_DISK_SECTOR != 0U ||
        (device->block_size != 0U && file->size % device->block_size != 0U)) {
        ash_boot_text_begin_(&text, size, sizeof(size));
        ash_boot_text_number_(&text, file->size);
        ash_boot_text_literal_(&text, " bytes");
        (void)ash_boot_fault_set(&fault, ASH_EFORMAT, NULL, NULL, NULL, NULL, size, "has no size of a disk",
                                 device->block_size > ASH_BOOT_DISK_SECTOR
                                     ? "a multiple of its block-size, and more than none"
                                     : "a multiple of 512 bytes, and more than none");
        return refuse_disk(vm, device, &fault);
    }
    return ASH_OK;
}

static int find_disks(struct ash_boot_vm *vm, const struct ash_boot_bundle *bundle,
                      struct ash_boot_vm_images *images)
{
    int error = ASH_OK;

    for (unsigned i = 0; i < vm->virtio_count && error == ASH_OK; i++) {
        if (vm->virtio[i].kind == ASH_BOOT_VIRTIO_BLK && vm->virtio[i].image != NULL) {
            error = find_disk(vm, &vm->virtio[i], bundle, &images->disk[i]);
        }
    }
    return error;
}

int ash_boot_vm_lay_out(struct ash_boot_vm *vm, const struct ash_boot_bundle *bundle, ash_ipa_t ram_base,
                        uint64_t ram_size, uint64_t dtb_size, struct ash_boot_vm_images *images)
{
    struct ash_boot_vm_images fresh = {.kernel = {NULL, 0}};
    struct ash_boot_place_request request = {
        .image = &fresh.image,
        .ram_base = ram_base,
        .ram_size = ram_size,
        .dtb_size = dtb_size,
        .has_entry = vm->has_entry,
        .entry = ash_ipa(vm->entry),
    };
    struct ash_boot_fault fault;
    int error;

    error = find_disks(vm, bundle, &fresh);
    if (error != ASH_OK) {
        return error;
    }
    if (vm->kernel == NULL) {
        lay_out_in_memory(vm, &fresh);
        *images = fresh;
        return ASH_OK;
    }
    error = find(vm, bundle, "kernel", vm->kernel, &fresh.kernel);
    if (error == ASH_OK && vm->dtb != NULL) {
        error = find(vm, bundle, "dtb", vm->dtb, &fresh.dtb);
    }
    if (error == ASH_OK && vm->ramdisk != NULL) {
        error = find(vm, bundle, "ramdisk", vm->ramdisk, &fresh.ramdisk);
    }
    if (error != ASH_OK) {
        return error;
    }
    if (ash_boot_image_identify(fresh.kernel.data, fresh.kernel.size, &fresh.image, &fault) != ASH_OK) {
        return refuse_file(vm, "kernel", vm->kernel, &fault);
    }
    request.initrd_size = fresh.ramdisk.size;
    if (vm->machine == ASH_BOOT_VM_BCM2837) {
        request.dtb_size = fresh.dtb.size != 0U ? fresh.dtb.size : 1U;
    }
    if (ash_boot_place(&request, &fresh.placement, &fault) != ASH_OK) {
        return refuse_place(vm, &fault);
    }
    if (vm->machine == ASH_BOOT_VM_BCM2837 && fresh.dtb.size == 0U) {
        fresh.placement.dtb = ash_ipa(ASH_BOOT_BCM2837_ATAGS);
        fresh.placement.dtb_size = 0;
    }
    *images = fresh;
    return ASH_OK;
}
