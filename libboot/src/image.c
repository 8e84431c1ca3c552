/* SPDX-License-Identifier: BSD-2-Clause */
#include <libbase/bits.h>
#include <libbase/checked.h>
#include <libbase/endian.h>
#include <libbase/mem.h>

#include <libboot/image.h>

#include "internal.h"

/* Linux Documentation/arm64/booting.rst, "Call the kernel image": the header, little-endian. */
#define ARM64_HEADER_SIZE    64U
#define ARM64_TEXT_OFFSET_AT 8U
#define ARM64_IMAGE_SIZE_AT  16U
#define ARM64_FLAGS_AT       24U
#define ARM64_MAGIC_AT       56U
#define ARM64_OLD_OFFSET     UINT64_C(0x80000) /* kernels before 3.17 say image_size 0, and mean this */

#define KIB4       UINT64_C(0x1000)
#define MIB2       UINT64_C(0x200000)
#define MIB128     UINT64_C(0x8000000)
#define RAW_OFFSET UINT64_C(0x80000)
/* Beyond any physical address (DDI 0487, LPA: 52 bits); so nothing below wraps. */
#define ADDRESS_END (UINT64_C(1) << 52)

static const char file_name[] = "image";

static int refuse(struct ash_boot_fault *fault, int code, const char *property, uint64_t value,
                  const char *problem, const char *allowed)
{
    char text[ASH_BOOT_FAULT_VALUE_SIZE];
    struct ash_boot_text_ number;

    ash_boot_text_begin_(&number, text, sizeof(text));
    ash_boot_text_number_(&number, value);
    return ash_boot_fault_set(fault, code, file_name, NULL, NULL, property, text, problem, allowed);
}

/** What starts like a format that nobody unpacks here would run as garbage. */
static const char *packed_format(const uint8_t *bytes, size_t size)
{
    if (size >= 3U && bytes[0] == 0x1FU && bytes[1] == 0x8BU && bytes[2] == 8U) {
        return "is compressed with gzip";
    }
    if (size >= 4U && memcmp(bytes, "\177ELF", 4) == 0) {
        return "is an ELF file";
    }
    if (size >= 8U && memcmp(bytes, "MZ", 2) == 0 && memcmp(&bytes[4], "zimg", 4) == 0) {
        return "is a compressed EFI image";
    }
    return NULL;
}

static int identify_arm64(const uint8_t *bytes, struct ash_boot_image *image, struct ash_boot_fault *fault)
{
    static const uint32_t page_kib[] = {0, 4, 16, 64};
    uint64_t image_size = ash_load_le64(&bytes[ARM64_IMAGE_SIZE_AT]);
    uint64_t flags = ash_load_le64(&bytes[ARM64_FLAGS_AT]);

    image->kind = ASH_BOOT_IMAGE_ARM64;
    image->text_offset = image_size != 0U ? ash_load_le64(&bytes[ARM64_TEXT_OFFSET_AT]) : ARM64_OLD_OFFSET;
    image->big_endian = ash_field(flags, 0, 0) != 0U;
    image->page_kib = page_kib[ash_field(flags, 2, 1)];
    if (image_size > image->memory_size) {
        image->memory_size = image_size;
    }
    if (image_size >= ADDRESS_END) {
        return refuse(fault, ASH_EFORMAT, "image_size", image_size, "is larger than any memory",
                      "the size of the kernel with its bss");
    }
    if (image->text_offset >= ADDRESS_END || !ash_is_aligned(image->text_offset, KIB4)) {
        return refuse(fault, ASH_EFORMAT, "text_offset", image->text_offset, "is not an offset in memory",
                      "a multiple of 4 KiB");
    }
    return ASH_OK;
}

int ash_boot_image_identify(const void *data, size_t size, struct ash_boot_image *image,
                            struct ash_boot_fault *fault)
{
    const uint8_t *bytes = (const uint8_t *)data;
    struct ash_boot_image fresh = {.kind = ASH_BOOT_IMAGE_RAW, .file_size = size, .memory_size = size};
    const char *packed = packed_format(bytes, size);

    ash_boot_fault_clear(fault);
    if (size == 0U) {
        return refuse(fault, ASH_ETRUNC, "size", 0, "is an empty file", "an arm64 Image or a raw binary");
    }
    if (packed != NULL) {
        return ash_boot_fault_set(fault, ASH_EFORMAT, file_name, NULL, NULL, NULL, NULL, packed,
                                  "an arm64 Image or a raw binary");
    }
    if (size >= ARM64_HEADER_SIZE && memcmp(&bytes[ARM64_MAGIC_AT], "ARM\x64", 4) == 0) {
        int result = identify_arm64(bytes, &fresh, fault);

        if (result != ASH_OK) {
            return result;
        }
    }
    *image = fresh;
    return ASH_OK;
}

static int check_request(const struct ash_boot_place_request *request, struct ash_boot_fault *fault)
{
    if (!ash_is_aligned(request->ram_base.value, MIB2) || request->ram_size == 0U ||
        !ash_range_within(request->ram_base.value, request->ram_size, 0, ADDRESS_END)) {
        return refuse(fault, ASH_EINVAL, "ram_base", request->ram_base.value, "is no place for a guest's RAM",
                      "a multiple of 2 MiB, and RAM that ends below 2^52");
    }
    if (request->dtb_size == 0U || request->dtb_size > MIB2) {
        return refuse(fault, ASH_EINVAL, "device tree size", request->dtb_size, "is out of range",
                      "1..0x200000");
    }
    if (request->has_entry && request->image->kind != ASH_BOOT_IMAGE_RAW) {
        return refuse(fault, ASH_ERANGE, "entry", request->entry.value, "is given for an arm64 Image",
                      "leaving it out: the header says where an Image goes");
    }
    if (request->has_entry &&
        (!ash_is_aligned(request->entry.value, KIB4) ||
         !ash_range_within(request->entry.value, KIB4, request->ram_base.value, request->ram_size))) {
        return refuse(fault, ASH_ERANGE, "entry", request->entry.value,
                      "is outside the guest's RAM or not aligned", "a multiple of 4 KiB inside its RAM");
    }
    return ASH_OK;
}

static uint64_t kernel_base(const struct ash_boot_place_request *request)
{
    uint64_t offset = request->image->kind == ASH_BOOT_IMAGE_RAW ? RAW_OFFSET : request->image->text_offset;

    if (request->has_entry) {
        return request->entry.value;
    }
    /* QEMU keeps its first page for itself and moves such an Image by the 2 MiB that the format allows. */
    return request->ram_base.value + (offset < KIB4 ? offset + MIB2 : offset);
}

static uint64_t initrd_base(const struct ash_boot_place_request *request)
{
    uint64_t half = request->ram_size / 2U;

    return ash_align_up(request->ram_base.value + (half < MIB128 ? half : MIB128), KIB4);
}

/** Initrd at @base, the tree behind it. */
static void place_files(const struct ash_boot_place_request *request, uint64_t base,
                        struct ash_boot_placement *place)
{
    uint64_t ram_end = request->ram_base.value + request->ram_size;
    uint64_t initrd_end = base;

    place->initrd = ash_ipa(base);
    place->initrd_size = request->initrd_size;
    place->dtb_size = request->dtb_size;
    /* One that reaches past RAM is refused later, whatever comes behind it. */
    if (request->initrd_size < ADDRESS_END) {
        initrd_end += request->initrd_size;
    }
    place->dtb = ash_ipa(ash_align_up(initrd_end, MIB2));
    if (place->dtb.value + request->dtb_size > ram_end) {
        place->dtb = ash_ipa(ash_align_up(initrd_end, KIB4));
    }
}

static int check_fits(const struct ash_boot_place_request *request, const char *part, ash_ipa_t base,
                      uint64_t size, struct ash_boot_fault *fault)
{
    char value[ASH_BOOT_FAULT_VALUE_SIZE];
    struct ash_boot_text_ text;

    if (ash_range_within(base.value, size, request->ram_base.value, request->ram_size)) {
        return ASH_OK;
    }
    ash_boot_text_begin_(&text, value, sizeof(value));
    ash_boot_text_number_(&text, size);
    ash_boot_text_literal_(&text, " bytes at ");
    ash_boot_text_number_(&text, base.value);
    ash_boot_text_literal_(&text, ", RAM ends at ");
    ash_boot_text_number_(&text, request->ram_base.value + request->ram_size);
    return ash_boot_fault_set(fault, ASH_ENOMEM, file_name, NULL, NULL, part, value, "does not fit",
                              "more memory, or a smaller file");
}

int ash_boot_place(const struct ash_boot_place_request *request, struct ash_boot_placement *placement,
                   struct ash_boot_fault *fault)
{
    struct ash_boot_placement fresh;
    uint64_t files_size;
    int result;

    ash_boot_fault_clear(fault);
    result = check_request(request, fault);
    if (result != ASH_OK) {
        return result;
    }
    fresh.kernel = ash_ipa(kernel_base(request));
    fresh.kernel_size = request->image->memory_size;
    fresh.entry = fresh.kernel;
    result = check_fits(request, "kernel", fresh.kernel, fresh.kernel_size, fault);
    if (result != ASH_OK) {
        return result;
    }
    place_files(request, initrd_base(request), &fresh);
    files_size = fresh.dtb.value + fresh.dtb_size - fresh.initrd.value;
    if (ash_ranges_overlap(fresh.initrd.value, files_size, fresh.kernel.value, fresh.kernel_size)) {
        place_files(request, ash_align_up(fresh.kernel.value + fresh.kernel_size, KIB4), &fresh);
    }
    if (fresh.initrd_size != 0U) {
        result = check_fits(request, "ramdisk", fresh.initrd, fresh.initrd_size, fault);
    }
    if (result == ASH_OK) {
        result = check_fits(request, "device tree", fresh.dtb, fresh.dtb_size, fault);
    }
    if (result == ASH_OK) {
        *placement = fresh;
    }
    return result;
}
