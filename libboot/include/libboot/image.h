/* SPDX-License-Identifier: BSD-2-Clause */
/** A guest's image: what it is, and where it, its initrd and its device tree go.
 *
 *  Lock domain: the arguments. Context: any. No HAL, no allocation.
 *  Format and entry conditions: Linux Documentation/arm64/booting.rst. Placement follows QEMU's virt board.
 */
#ifndef LIBBOOT_IMAGE_H
#define LIBBOOT_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <libbase/types.h>

#include <libboot/fault.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ash_boot_image_kind {
    ASH_BOOT_IMAGE_RAW,  /* code from its first byte on */
    ASH_BOOT_IMAGE_ARM64 /* "ARM\x64" at byte 56 */
};

struct ash_boot_image {
    enum ash_boot_image_kind kind;
    uint64_t file_size;   /* bytes to copy, > 0 */
    uint64_t memory_size; /* bytes it occupies from its load address on, bss included; >= file_size */
    uint64_t text_offset; /* ARM64: from a 2 MiB aligned base, bytes; RAW: 0 */
    uint32_t page_kib;    /* ARM64: kernel page size 4, 16 or 64; 0: not said */
    bool big_endian;      /* ARM64 */
};

/** What is at [data, data+size)? Reads the first 64 bytes only.
 *  On an error *@image is untouched. Returns ASH_OK; ASH_ETRUNC (size 0); ASH_EFORMAT (a header that contradicts
 *  itself; or a kind that would run as garbage: gzip, ELF, an EFI zboot). */
int ash_boot_image_identify(const void *data, size_t size, struct ash_boot_image *image,
                            struct ash_boot_fault *fault) ASH_NODISCARD;

struct ash_boot_place_request {
    const struct ash_boot_image *image;
    ash_ipa_t ram_base;   /* a multiple of 2 MiB */
    uint64_t ram_size;    /* bytes, > 0, base + size does not wrap */
    uint64_t initrd_size; /* bytes; 0: none */
    uint64_t dtb_size;    /* bytes to keep for the tree, 1..2 MiB */
    bool has_entry;       /* RAW only: load and enter at @entry */
    ash_ipa_t entry;      /* a multiple of 4 KiB */
};

/** Where everything goes. All inside RAM, nothing overlaps. At entry x0 = dtb, x1..x3 = 0, EL1h, MMU and caches off,
 *  DAIF masked (booting.rst, "Call the kernel image"). */
struct ash_boot_placement {
    ash_ipa_t kernel;     /* load address */
    uint64_t kernel_size; /* memory_size of the image */
    ash_ipa_t entry;
    ash_ipa_t initrd; /* a multiple of 4 KiB */
    uint64_t initrd_size;
    ash_ipa_t dtb; /* a multiple of 2 MiB, in a RAM too small for that of 4 KiB */
    uint64_t dtb_size;
};

/** Lay out a guest's RAM.
 *  Image: ram_base + text_offset; one below 4 KiB is moved up by 2 MiB. RAW: ram_base + 0x80000, or at @entry.
 *  Initrd and then the tree: from ram_base + 128 MiB on, from the middle of a RAM below 256 MiB; above the image if
 *  that reaches so far.
 *  On an error *@placement is untouched. Returns ASH_OK; ASH_EINVAL (an argument); ASH_ENOMEM (it does not fit:
 *  the fault names which part and how much there is); ASH_ERANGE (an entry outside RAM, or given for an Image). */
int ash_boot_place(const struct ash_boot_place_request *request, struct ash_boot_placement *placement,
                   struct ash_boot_fault *fault) ASH_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
