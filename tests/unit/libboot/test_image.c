/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>

#include <libboot/image.h>

#include "fixture.h"

#define MIB  UINT64_C(0x100000)
#define BASE UINT64_C(0x40000000)

static void put_le64(uint8_t *at, uint64_t value)
{
    for (unsigned i = 0; i < 8U; i++) {
        at[i] = (uint8_t)(value >> (8U * i));
    }
}

static void make_header(uint8_t header[64], uint64_t text_offset, uint64_t image_size, uint64_t flags)
{
    memset(header, 0, 64);
    memcpy(header, "MZ\x40\xfa", 4);
    put_le64(&header[8], text_offset);
    put_le64(&header[16], image_size);
    put_le64(&header[24], flags);
    memcpy(&header[56], "ARM\x64", 4);
}

static struct ash_boot_image identify(const void *data, size_t size)
{
    struct ash_boot_image image;
    struct ash_boot_fault fault;
    void *exact = malloc(size);

    assert_non_null(exact);
    memcpy(exact, data, size);
    assert_int_equal(ash_boot_image_identify(exact, size, &image, &fault), ASH_OK);
    assert_int_equal(fault.code, ASH_OK);
    free(exact);
    return image;
}

static void not_identified(const void *data, size_t size, int code, const char *what)
{
    struct ash_boot_image image = {.file_size = 1234};
    struct ash_boot_fault fault;

    assert_int_equal(ash_boot_image_identify(data, size, &image, &fault), code);
    assert_int_equal(fault.code, code);
    assert_fault_says(&fault, what);
    assert_int_equal(image.file_size, 1234);
}

static void an_arm64_image_is_known_by_its_header(void **state)
{
    uint8_t header[64];
    struct ash_boot_image image;

    (void)state;
    make_header(header, 0x80000, 32 * MIB, 0xA);
    image = identify(header, sizeof(header));
    assert_int_equal(image.kind, ASH_BOOT_IMAGE_ARM64);
    assert_int_equal(image.file_size, 64);
    assert_int_equal(image.memory_size, 32 * MIB);
    assert_int_equal(image.text_offset, 0x80000);
    assert_int_equal(image.page_kib, 4);
    assert_false(image.big_endian);
    make_header(header, 0, 32 * MIB, 0x7);
    image = identify(header, sizeof(header));
    assert_true(image.big_endian);
    assert_int_equal(image.page_kib, 64);
    make_header(header, 0, 32 * MIB, 0x4);
    assert_int_equal(identify(header, sizeof(header)).page_kib, 16);
    make_header(header, 0, 32 * MIB, 0);
    assert_int_equal(identify(header, sizeof(header)).page_kib, 0);
}

static void a_kernel_from_before_image_size_goes_to_0x80000(void **state)
{
    uint8_t header[64];
    struct ash_boot_image image;

    (void)state;
    make_header(header, 0x1234, 0, 0);
    image = identify(header, sizeof(header));
    assert_int_equal(image.text_offset, 0x80000);
    assert_int_equal(image.memory_size, 64);
}

static void an_image_never_occupies_less_than_its_file(void **state)
{
    uint8_t bytes[256] = {0};

    (void)state;
    make_header(bytes, 0, 100, 0);
    assert_int_equal(identify(bytes, sizeof(bytes)).memory_size, 256);
}

static void anything_else_is_a_raw_binary(void **state)
{
    uint8_t header[64];
    struct ash_boot_image image;

    (void)state;
    image = identify("\x1f\x20\x03\xd5", 4);
    assert_int_equal(image.kind, ASH_BOOT_IMAGE_RAW);
    assert_int_equal(image.file_size, 4);
    assert_int_equal(image.memory_size, 4);
    make_header(header, 0, MIB, 0);
    assert_int_equal(identify(header, 63).kind, ASH_BOOT_IMAGE_RAW);
    assert_int_equal(identify(header, 1).kind, ASH_BOOT_IMAGE_RAW);
    header[59] = 'd' ^ 1;
    assert_int_equal(identify(header, 64).kind, ASH_BOOT_IMAGE_RAW);
}

static void what_would_run_as_garbage_is_refused(void **state)
{
    static const uint8_t zboot[64] = "MZ\0\0zimg";

    (void)state;
    not_identified(NULL, 0, ASH_ETRUNC, "image: size = 0: is an empty file");
    not_identified("\x1f\x8b\x08", 3, ASH_EFORMAT, "gzip");
    not_identified("\177ELF", 4, ASH_EFORMAT, "ELF");
    not_identified(zboot, sizeof(zboot), ASH_EFORMAT, "compressed EFI");
}

static void a_header_that_contradicts_itself_is_refused(void **state)
{
    uint8_t header[64];

    (void)state;
    make_header(header, 0x80010, MIB, 0);
    not_identified(header, 64, ASH_EFORMAT, "text_offset = 0x80010");
    make_header(header, UINT64_C(1) << 52, MIB, 0);
    not_identified(header, 64, ASH_EFORMAT, "text_offset");
    make_header(header, UINT64_C(0xFFFFFFFFFFFFF000), MIB, 0);
    not_identified(header, 64, ASH_EFORMAT, "text_offset = 0xfffffffffffff000");
    make_header(header, 0, UINT64_C(0xFFFFFFFFFFFFFFFF), 0);
    not_identified(header, 64, ASH_EFORMAT, "image_size = 0xffffffffffffffff");
}

static const struct ash_boot_image linux_image = {
    .kind = ASH_BOOT_IMAGE_ARM64, .file_size = 30 * MIB, .memory_size = 32 * MIB, .text_offset = 0};
static const struct ash_boot_image bare_image = {
    .kind = ASH_BOOT_IMAGE_RAW, .file_size = 4096, .memory_size = 4096};

static struct ash_boot_place_request request(const struct ash_boot_image *image, uint64_t ram_size,
                                             uint64_t initrd_size)
{
    struct ash_boot_place_request fresh = {.image = image,
                                           .ram_base = {BASE},
                                           .ram_size = ram_size,
                                           .initrd_size = initrd_size,
                                           .dtb_size = 8192};

    return fresh;
}

/** Everything inside RAM, nothing on top of another. */
static void assert_sound(const struct ash_boot_place_request *asked, const struct ash_boot_placement *place)
{
    const uint64_t parts[][2] = {{place->kernel.value, place->kernel_size},
                                 {place->initrd.value, place->initrd_size},
                                 {place->dtb.value, place->dtb_size}};

    for (unsigned i = 0; i < 3U; i++) {
        if (parts[i][1] == 0U) {
            continue;
        }
        assert_true(parts[i][0] >= asked->ram_base.value);
        assert_true(parts[i][0] + parts[i][1] <= asked->ram_base.value + asked->ram_size);
        for (unsigned j = 0; j < i; j++) {
            assert_true(parts[j][1] == 0U || parts[i][0] >= parts[j][0] + parts[j][1] ||
                        parts[j][0] >= parts[i][0] + parts[i][1]);
        }
    }
    assert_int_equal(place->initrd.value % 4096U, 0);
    assert_int_equal(place->dtb.value % 4096U, 0);
    assert_int_equal(place->kernel_size, asked->image->memory_size);
    assert_int_equal(place->initrd_size, asked->initrd_size);
    assert_int_equal(place->dtb_size, asked->dtb_size);
}

static struct ash_boot_placement place_ok(const struct ash_boot_place_request *asked)
{
    struct ash_boot_placement place;
    struct ash_boot_fault fault;

    assert_int_equal(ash_boot_place(asked, &place, &fault), ASH_OK);
    assert_int_equal(fault.code, ASH_OK);
    assert_sound(asked, &place);
    return place;
}

static void not_placed(const struct ash_boot_place_request *asked, int code, const char *what)
{
    struct ash_boot_placement place;
    struct ash_boot_placement before;
    struct ash_boot_fault fault;

    memset(&place, 0xA5, sizeof(place));
    memcpy(&before, &place, sizeof(place));
    assert_int_equal(ash_boot_place(asked, &place, &fault), code);
    assert_int_equal(fault.code, code);
    assert_fault_says(&fault, what);
    assert_memory_equal(&place, &before, sizeof(place));
}

static void linux_goes_where_qemu_puts_it(void **state)
{
    struct ash_boot_image image = linux_image;
    struct ash_boot_place_request asked = request(&image, 512 * MIB, 5 * MIB + 1);
    struct ash_boot_placement place = place_ok(&asked);

    (void)state;
    assert_int_equal(place.kernel.value, BASE + 2 * MIB);
    assert_int_equal(place.entry.value, BASE + 2 * MIB);
    assert_int_equal(place.initrd.value, BASE + 128 * MIB);
    assert_int_equal(place.dtb.value, BASE + 134 * MIB);
    image.text_offset = 0x80000;
    place = place_ok(&asked);
    assert_int_equal(place.kernel.value, BASE + 0x80000);
}

static void a_raw_binary_goes_to_0x80000(void **state)
{
    struct ash_boot_place_request asked = request(&bare_image, 64 * MIB, 0);
    struct ash_boot_placement place = place_ok(&asked);

    (void)state;
    assert_int_equal(place.kernel.value, BASE + 0x80000);
    assert_int_equal(place.entry.value, BASE + 0x80000);
    assert_int_equal(place.dtb.value, BASE + 32 * MIB);
}

static void a_raw_binary_goes_to_its_entry_if_it_has_one(void **state)
{
    struct ash_boot_place_request asked = request(&bare_image, 64 * MIB, 0);
    struct ash_boot_placement place;

    (void)state;
    asked.has_entry = true;
    asked.entry.value = BASE + 0x1000;
    place = place_ok(&asked);
    assert_int_equal(place.kernel.value, BASE + 0x1000);
    assert_int_equal(place.entry.value, BASE + 0x1000);
    asked.entry.value = BASE + 32 * MIB; /* where the tree would be */
    place = place_ok(&asked);
    assert_int_equal(place.kernel.value, BASE + 32 * MIB);
    assert_int_equal(place.dtb.value, BASE + 34 * MIB);
    asked.entry.value = BASE + 64 * MIB;
    not_placed(&asked, ASH_ERANGE, "entry = 0x44000000");
    asked.entry.value = BASE - 0x1000;
    not_placed(&asked, ASH_ERANGE, "entry");
    asked.entry.value = BASE + 8;
    not_placed(&asked, ASH_ERANGE, "multiple of 4 KiB");
    asked.image = &linux_image;
    asked.entry.value = BASE;
    not_placed(&asked, ASH_ERANGE, "arm64 Image");
}

static void files_start_in_the_middle_of_a_small_ram(void **state)
{
    struct ash_boot_place_request asked = request(&linux_image, 96 * MIB, MIB);
    struct ash_boot_placement place = place_ok(&asked);

    (void)state;
    assert_int_equal(place.initrd.value, BASE + 48 * MIB);
    assert_int_equal(place.dtb.value, BASE + 50 * MIB);
}

static void files_move_up_behind_a_large_kernel(void **state)
{
    struct ash_boot_image image = linux_image;
    struct ash_boot_place_request asked = request(&image, 512 * MIB, 3 * MIB);
    struct ash_boot_placement place;

    (void)state;
    image.memory_size = 200 * MIB + 1;
    place = place_ok(&asked);
    assert_int_equal(place.initrd.value, BASE + 202 * MIB + 4096);
    image.memory_size = 126 * MIB; /* ends exactly where they begin */
    place = place_ok(&asked);
    assert_int_equal(place.initrd.value, BASE + 128 * MIB);
    image.memory_size++;
    place = place_ok(&asked);
    assert_int_equal(place.initrd.value, BASE + 128 * MIB + 4096);
}

static void the_tree_gives_up_its_alignment_in_a_tiny_ram(void **state)
{
    struct ash_boot_place_request asked = request(&bare_image, 2 * MIB, 0);
    struct ash_boot_placement place = place_ok(&asked);

    (void)state;
    assert_int_equal(place.dtb.value, BASE + MIB);
}

static void what_does_not_fit_is_named(void **state)
{
    struct ash_boot_image image = linux_image;
    struct ash_boot_place_request asked = request(&image, 32 * MIB, 0);

    (void)state;
    not_placed(&asked, ASH_ENOMEM,
               "kernel = 0x2000000 bytes at 0x40200000, RAM ends at 0x42000000: does not fit");
    asked = request(&image, 64 * MIB, 31 * MIB);
    not_placed(&asked, ASH_ENOMEM, "ramdisk");
    asked.initrd_size = UINT64_MAX;
    not_placed(&asked, ASH_ENOMEM, "ramdisk = 0xffffffffffffffff");
    image.memory_size = 62 * MIB;
    asked.initrd_size = 0;
    not_placed(&asked, ASH_ENOMEM, "device tree");
    image.memory_size = 62 * MIB - 8191;
    not_placed(&asked, ASH_ENOMEM, "device tree");
    image.memory_size = 62 * MIB - 8192;
    place_ok(&asked);
    image.text_offset = (UINT64_C(1) << 52) - 4096;
    not_placed(&asked, ASH_ENOMEM, "kernel");
}

static void an_impossible_ram_is_refused(void **state)
{
    struct ash_boot_place_request asked = request(&linux_image, 512 * MIB, 0);

    (void)state;
    asked.ram_base.value = BASE + MIB;
    not_placed(&asked, ASH_EINVAL, "ram_base");
    asked.ram_base.value = UINT64_C(0xFFFFFFFFFFE00000);
    not_placed(&asked, ASH_EINVAL, "ram_base");
    asked.ram_base.value = BASE;
    asked.ram_size = UINT64_MAX;
    not_placed(&asked, ASH_EINVAL, "ram_base");
    asked.ram_size = 0;
    not_placed(&asked, ASH_EINVAL, "ram_base");
    asked = request(&linux_image, 512 * MIB, 0);
    asked.dtb_size = 0;
    not_placed(&asked, ASH_EINVAL, "device tree size = 0");
    asked.dtb_size = 2 * MIB + 1;
    not_placed(&asked, ASH_EINVAL, "device tree size");
}

static void every_layout_is_sound(void **state)
{
    struct test_rng rng;
    unsigned placed = 0;
    unsigned refused = 0;

    (void)state;
    test_rng_init(&rng, "layouts");
    for (unsigned round = 0; round < 100000U; round++) {
        struct ash_boot_image image = {.kind = (enum ash_boot_image_kind)test_rng_below(&rng, 2)};
        struct ash_boot_place_request asked = request(&image, 2 * MIB * (1U + test_rng_below(&rng, 200)), 0);
        struct ash_boot_placement place;
        struct ash_boot_fault fault;

        image.memory_size = 1U + test_rng_below(&rng, asked.ram_size);
        image.text_offset = image.kind == ASH_BOOT_IMAGE_ARM64 ? 4096U * test_rng_below(&rng, 513) : 0U;
        asked.initrd_size = test_rng_below(&rng, 2) * test_rng_below(&rng, asked.ram_size);
        asked.dtb_size = 1U + test_rng_below(&rng, 2 * MIB);
        asked.has_entry = image.kind == ASH_BOOT_IMAGE_RAW && test_rng_below(&rng, 2) != 0U;
        asked.entry.value = BASE + 4096U * test_rng_below(&rng, asked.ram_size / 4096U);
        if (ash_boot_place(&asked, &place, &fault) == ASH_OK) {
            assert_sound(&asked, &place);
            placed++;
        } else {
            assert_int_equal(fault.code, ASH_ENOMEM);
            refused++;
        }
    }
    print_message("%u placed, %u refused\n", placed, refused);
    assert_true(placed > 1000U && refused > 1000U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arm64_image_is_known_by_its_header),
        cmocka_unit_test(a_kernel_from_before_image_size_goes_to_0x80000),
        cmocka_unit_test(an_image_never_occupies_less_than_its_file),
        cmocka_unit_test(anything_else_is_a_raw_binary),
        cmocka_unit_test(what_would_run_as_garbage_is_refused),
        cmocka_unit_test(a_header_that_contradicts_itself_is_refused),
        cmocka_unit_test(linux_goes_where_qemu_puts_it),
        cmocka_unit_test(a_raw_binary_goes_to_0x80000),
        cmocka_unit_test(a_raw_binary_goes_to_its_entry_if_it_has_one),
        cmocka_unit_test(files_start_in_the_middle_of_a_small_ram),
        cmocka_unit_test(files_move_up_behind_a_large_kernel),
        cmocka_unit_test(the_tree_gives_up_its_alignment_in_a_tiny_ram),
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(an_impossible_ram_is_refused),
        cmocka_unit_test(every_layout_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
