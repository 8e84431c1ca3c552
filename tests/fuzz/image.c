/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's image, and its place in RAM. Input: 12 bytes for the RAM and what else goes there, then the file. */
#include "boot_checks.h"

#include <libboot/image.h>

#define MIB2 UINT64_C(0x200000)

struct extent {
    uint64_t base;
    uint64_t size;
};

static void check_apart(const struct ash_boot_place_request *request, const struct ash_boot_placement *at)
{
    const struct extent extents[] = {{at->kernel.value, at->kernel_size},
                                     {at->initrd.value, at->initrd_size},
                                     {at->dtb.value, at->dtb_size}};

    for (unsigned i = 0; i < 3U; i++) {
        if (extents[i].size == 0U) {
            continue;
        }
        FUZZ_CHECK(extents[i].base >= request->ram_base.value);
        FUZZ_CHECK(extents[i].base - request->ram_base.value <= request->ram_size);
        FUZZ_CHECK(extents[i].size <= request->ram_size - (extents[i].base - request->ram_base.value));
        for (unsigned j = 0; j < i; j++) {
            FUZZ_CHECK(extents[j].size == 0U || extents[i].base >= extents[j].base + extents[j].size ||
                       extents[j].base >= extents[i].base + extents[i].size);
        }
    }
}

static void place(const struct ash_boot_image *image, struct fuzz_input *in)
{
    const struct ash_boot_placement untouched = {.kernel_size = 77};
    struct ash_boot_place_request request = {
        .image = image,
        .ram_base = ash_ipa((uint64_t)fuzz_u8(in) * MIB2 << (fuzz_u8(in) % 40U)),
        .ram_size = ((uint64_t)fuzz_u8(in) + 1U) * (fuzz_u8(in) % 2U == 0U ? MIB2 : 4096U),
        .initrd_size = (uint64_t)fuzz_u16(in) << (fuzz_u8(in) % 16U),
        .dtb_size = 1U + (uint64_t)fuzz_u16(in) * 32U,
        .has_entry = fuzz_u8(in) % 4U == 1U,
    };
    struct ash_boot_placement at = untouched;
    struct ash_boot_fault fault;
    int result;

    request.entry = ash_ipa(request.ram_base.value + (uint64_t)fuzz_u8(in) * 4096U);
    result = ash_boot_place(&request, &at, &fault);
    if (result != ASH_OK) {
        FUZZ_CHECK(result == ASH_EINVAL || result == ASH_ENOMEM || result == ASH_ERANGE);
        FUZZ_CHECK(memcmp(&at, &untouched, sizeof(at)) == 0);
        check_fault(&fault, result);
        return;
    }
    FUZZ_CHECK(at.kernel_size == image->memory_size && at.initrd_size == request.initrd_size);
    FUZZ_CHECK(at.dtb_size >= request.dtb_size);
    FUZZ_CHECK(at.dtb.value % 4096U == 0U && (at.initrd_size == 0U || at.initrd.value % 4096U == 0U));
    FUZZ_CHECK(at.entry.value >= at.kernel.value && at.entry.value - at.kernel.value < at.kernel_size);
    FUZZ_CHECK(image->kind != ASH_BOOT_IMAGE_RAW || !request.has_entry ||
               at.entry.value == request.entry.value);
    check_apart(&request, &at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size < 12U ? size : 12U};
    struct ash_boot_image image;
    struct ash_boot_fault fault;
    int result;

    if (size < 12U) {
        return 0;
    }
    memset(&image, 0xA5, sizeof(image));
    result = ash_boot_image_identify(data + 12, size - 12U, &image, &fault);
    if (result != ASH_OK) {
        FUZZ_CHECK(result == ASH_ETRUNC || result == ASH_EFORMAT);
        for (size_t i = 0; i < sizeof(image); i++) {
            FUZZ_CHECK(((const uint8_t *)&image)[i] == 0xA5);
        }
        check_fault(&fault, result);
        return 0;
    }
    FUZZ_CHECK(image.file_size > 0U && image.file_size <= size - 12U);
    FUZZ_CHECK(image.memory_size >= image.file_size);
    place(&image, &in);
    return 0;
}
