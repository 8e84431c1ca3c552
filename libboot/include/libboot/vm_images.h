/* SPDX-License-Identifier: BSD-2-Clause */
/** The images of a VM: found in the bundle, identified, laid out in its RAM; or left in memory by a boot loader.
 *
 *  Lock domain: the arguments. Context: any. No HAL, no allocation, under 1 KiB of stack.
 */
#ifndef LIBBOOT_VM_IMAGES_H
#define LIBBOOT_VM_IMAGES_H

#include <stdint.h>

#include <libbase/types.h>

#include <libboot/bundle.h>
#include <libboot/config.h>
#include <libboot/image.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ash_boot_vm_images {
    struct ash_boot_span kernel;  /* size 0: it is in memory already, nothing is to be copied or written */
    struct ash_boot_span ramdisk; /* size 0: none */
    struct ash_boot_span dtb;     /* likewise; a tree to be put at placement.dtb as it is */
    struct ash_boot_image image;  /* of @kernel */
    struct ash_boot_placement placement;
    struct ash_boot_span
        disk[ASH_BOOT_VIRTIO_MAX]; /* of each virtio device: its image; size 0: it has none */
};

/** Find @vm's files in @bundle (NULL: there is none) and lay them out in the RAM [ram_base, ram_base+ram_size), with
 *  @dtb_size bytes for the tree: see ash_boot_place(). A VM without `kernel` gets the placement that it says itself:
 *  entry and dtb alone, dtb 0 without setup_data; the RAM is not looked at. A bcm2837 gets its own tree, or (`dtb` not
 *  given) ASH_BOOT_BCM2837_ATAGS for placement.dtb, and @dtb_size does not count. Disks' images are found in any case.
 *  vm: as ash_boot_config_parse() made it, without a fault. A mistake becomes its fault, in the words of the parser,
 *  with the property whose file it is; *@images is then untouched. A disk's image is a multiple of its block-size, and
 *  more than none, else ASH_EFORMAT.
 *  Returns ASH_OK, or the code of ash_boot_bundle_find(), ash_boot_image_identify() or ash_boot_place(). */
int ash_boot_vm_lay_out(struct ash_boot_vm *vm, const struct ash_boot_bundle *bundle, ash_ipa_t ram_base,
                        uint64_t ram_size, uint64_t dtb_size,
                        struct ash_boot_vm_images *images) ASH_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
