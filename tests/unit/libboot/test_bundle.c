/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <stdbool.h>

#include <libboot/bundle.h>

#include "fixture.h"

#define HEADER 110U

struct archive {
    uint8_t bytes[4096];
    size_t size;
};

static void pad(struct archive *archive)
{
    while (archive->size % 4U != 0U) {
        archive->bytes[archive->size++] = 0;
    }
}

static void add_sized(struct archive *archive, const char *name, size_t name_size, const char *contents,
                      size_t size, unsigned mode)
{
    char header[HEADER + 1U];

    snprintf(header, sizeof(header), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1U, mode,
             0U, 0U, 1U, 0U, (unsigned)size, 0U, 0U, 0U, 0U, (unsigned)name_size, 0U);
    memcpy(&archive->bytes[archive->size], header, HEADER);
    archive->size += HEADER;
    memcpy(&archive->bytes[archive->size], name, name_size);
    archive->size += name_size;
    pad(archive);
    memcpy(&archive->bytes[archive->size], contents, size);
    archive->size += size;
    pad(archive);
}

/** The entry whose header is at @header gets a modification time. */
static void set_time(struct archive *archive, size_t header, unsigned seconds)
{
    char field[9];

    snprintf(field, sizeof(field), "%08X", seconds);
    memcpy(&archive->bytes[header + 46U], field, 8); /* c_mtime, the sixth */
}

static void add(struct archive *archive, const char *name, const char *contents)
{
    add_sized(archive, name, strlen(name) + 1U, contents, strlen(contents), 0100644);
}

static void make_example(struct archive *archive)
{
    memset(archive, 0, sizeof(*archive));
    add(archive, "vms.dtb", "tree");
    add(archive, "./Image", "kernel!");
    add_sized(archive, "boot", 5, "", 0, 040755);
    add(archive, "boot/initrd", "");
    add(archive, "TRAILER!!!", "");
}

static int read_all(const void *data, size_t size, struct ash_boot_fault *fault)
{
    struct ash_boot_bundle bundle;
    struct ash_boot_bundle_entry entry = {.next = 0};
    size_t entries = 0;
    unsigned sum = 0;
    int result = ash_boot_bundle_open(&bundle, data, size, fault);

    if (result != ASH_OK) {
        return result;
    }
    while (ash_boot_bundle_next(&bundle, &entry)) {
        sum += (unsigned)strlen(entry.name);
        for (size_t i = 0; i < entry.file.size; i++) {
            sum += ((const uint8_t *)entry.file.data)[i];
        }
        entries++;
    }
    assert_int_equal(entries, bundle.entries);
    assert_true(entries == 0U || sum != 0U);
    return ASH_OK;
}

static void open_ok(struct ash_boot_bundle *bundle, const struct archive *archive)
{
    struct ash_boot_fault fault;

    assert_int_equal(ash_boot_bundle_open(bundle, archive->bytes, archive->size, &fault), ASH_OK);
    assert_int_equal(fault.code, ASH_OK);
}

/** open must fail with @code, say @what and leave the bundle alone. */
static void refused(const struct archive *archive, int code, const char *what)
{
    struct ash_boot_bundle bundle;
    struct ash_boot_bundle before;
    struct ash_boot_fault fault;

    memset(&bundle, 0xA5, sizeof(bundle));
    memcpy(&before, &bundle, sizeof(bundle));
    assert_int_equal(ash_boot_bundle_open(&bundle, archive->bytes, archive->size, &fault), code);
    assert_int_equal(fault.code, code);
    assert_string_equal(fault.file, "bundle");
    assert_fault_says(&fault, what);
    assert_memory_equal(&bundle, &before, sizeof(bundle));
}

static void files_are_found_by_name(void **state)
{
    struct archive archive;
    struct ash_boot_bundle bundle;
    struct ash_boot_span span;
    struct ash_boot_fault fault;

    (void)state;
    make_example(&archive);
    open_ok(&bundle, &archive);
    assert_int_equal(bundle.entries, 4);
    assert_int_equal(ash_boot_bundle_find(&bundle, "vms.dtb", &span, &fault), ASH_OK);
    assert_int_equal(span.size, 4);
    assert_memory_equal(span.data, "tree", 4);
    /* With the one name that hv looks for first, libfdt's alignment comes for free. */
    assert_int_equal(((const uint8_t *)span.data - archive.bytes) % 8, 0);
    assert_int_equal(ash_boot_bundle_find(&bundle, "boot/initrd", &span, &fault), ASH_OK);
    assert_int_equal(span.size, 0);
}

static void a_leading_dot_slash_means_nothing_on_either_side(void **state)
{
    struct archive archive;
    struct ash_boot_bundle bundle;
    struct ash_boot_span span;
    struct ash_boot_fault fault;

    (void)state;
    make_example(&archive);
    open_ok(&bundle, &archive);
    assert_int_equal(ash_boot_bundle_find(&bundle, "Image", &span, &fault), ASH_OK);
    assert_memory_equal(span.data, "kernel!", 7);
    assert_int_equal(ash_boot_bundle_find(&bundle, "././/vms.dtb", &span, &fault), ASH_OK);
    assert_memory_equal(span.data, "tree", 4);
}

static void what_is_not_a_single_regular_file_is_not_found(void **state)
{
    struct archive archive;
    struct ash_boot_bundle bundle;
    struct ash_boot_fault fault;
    struct ash_boot_span span = {&archive, 77};

    (void)state;
    memset(&archive, 0, sizeof(archive));
    add(&archive, "Image", "one");
    add(&archive, "./Image", "two");
    add_sized(&archive, "dir", 4, "", 0, 040755);
    add_sized(&archive, "link", 5, "Image", 5, 0120777);
    add(&archive, "TRAILER!!!", "");
    open_ok(&bundle, &archive);
    assert_int_equal(ash_boot_bundle_find(&bundle, "missing", &span, &fault), ASH_ENOENT);
    assert_fault_says(&fault, "bundle: missing: is not in the bundle");
    assert_int_equal(ash_boot_bundle_find(&bundle, "Imag", &span, &fault), ASH_ENOENT);
    assert_int_equal(ash_boot_bundle_find(&bundle, "TRAILER!!!", &span, &fault), ASH_ENOENT);
    assert_int_equal(ash_boot_bundle_find(&bundle, "", &span, &fault), ASH_ENOENT);
    assert_int_equal(ash_boot_bundle_find(&bundle, "Image", &span, &fault), ASH_EEXIST);
    assert_fault_says(&fault, "twice");
    assert_int_equal(ash_boot_bundle_find(&bundle, "dir", &span, &fault), ASH_EFORMAT);
    assert_int_equal(ash_boot_bundle_find(&bundle, "link", &span, &fault), ASH_EFORMAT);
    assert_fault_says(&fault, "a regular file");
    assert_int_equal(span.size, 77);
    assert_ptr_equal(span.data, &archive);
}

static void the_newest_time_is_known_once_it_is_open(void **state)
{
    struct ash_boot_bundle bundle;
    struct archive archive;
    size_t second;

    (void)state;
    memset(&archive, 0, sizeof(archive));
    add(&archive, "a", "");
    second = archive.size;
    add(&archive, "b", "");
    add(&archive, "TRAILER!!!", "");
    open_ok(&bundle, &archive);
    assert_int_equal(bundle.newest, 0);
    set_time(&archive, 0, 0x69200000);
    open_ok(&bundle, &archive);
    assert_int_equal(bundle.newest, 0x69200000);
    set_time(&archive, second, 0xfffffffe);
    open_ok(&bundle, &archive);
    assert_int_equal(bundle.newest, 0xfffffffe);
}

static void entries_come_in_order_with_their_modes(void **state)
{
    static const char *const names[] = {"vms.dtb", "Image", "boot", "boot/initrd"};
    static const unsigned modes[] = {0100644, 0100644, 040755, 0100644};
    struct archive archive;
    struct ash_boot_bundle bundle;
    struct ash_boot_bundle_entry entry = {.next = 0};

    (void)state;
    make_example(&archive);
    open_ok(&bundle, &archive);
    for (unsigned i = 0; i < 4U; i++) {
        assert_true(ash_boot_bundle_next(&bundle, &entry));
        assert_string_equal(entry.name, names[i]);
        assert_int_equal(entry.mode, modes[i]);
    }
    assert_false(ash_boot_bundle_next(&bundle, &entry));
    assert_string_equal(entry.name, names[3]);
}

static void zero_bytes_may_follow_the_trailer_and_nothing_else(void **state)
{
    struct archive archive;
    struct ash_boot_bundle bundle;

    (void)state;
    make_example(&archive);
    archive.size += 512;
    open_ok(&bundle, &archive);
    archive.bytes[archive.size - 1U] = 1;
    refused(&archive, ASH_EFORMAT, "stands after the end");
}

static void an_archive_of_nothing_but_the_trailer_is_empty(void **state)
{
    struct archive archive = {.size = 0};
    struct ash_boot_bundle bundle;
    struct ash_boot_bundle_entry entry = {.next = 0};

    (void)state;
    add(&archive, "TRAILER!!!", "");
    open_ok(&bundle, &archive);
    assert_int_equal(bundle.entries, 0);
    assert_false(ash_boot_bundle_next(&bundle, &entry));
}

static void a_missing_trailer_is_said(void **state)
{
    struct archive archive = {.size = 0};

    (void)state;
    refused(&archive, ASH_ETRUNC, "TRAILER!!!");
    add(&archive, "vms.dtb", "tree");
    refused(&archive, ASH_ETRUNC, "TRAILER!!!");
}

static void a_wrong_magic_names_the_right_one(void **state)
{
    struct archive archive;

    (void)state;
    make_example(&archive);
    archive.bytes[5] = '2'; /* the format with checksums */
    refused(&archive, ASH_EFORMAT, "header at byte = 0: is not a cpio header");
    memcpy(archive.bytes, "\x1f\x8b\x08", 3);
    refused(&archive, ASH_EFORMAT, "uncompressed");
}

static void a_field_that_is_no_number_is_named(void **state)
{
    static const char bad[] = {'g', 'G', ' ', '-', '/', ':', '@', '`', 'x', '\0'};
    struct archive archive;

    (void)state;
    for (unsigned i = 0; i < sizeof(bad); i++) {
        make_example(&archive);
        archive.bytes[6U + 8U * 6U] = (uint8_t)bad[i];
        refused(&archive, ASH_EFORMAT, "c_filesize");
    }
    make_example(&archive);
    archive.bytes[HEADER - 1U] = 'z';
    refused(&archive, ASH_EFORMAT, "c_check");
}

static void hexadecimal_is_read_in_either_case(void **state)
{
    char contents[0xBD];
    struct archive archive = {.size = 0};
    struct ash_boot_bundle bundle;
    struct ash_boot_bundle_entry entry = {.next = 0};

    (void)state;
    memset(contents, 'c', sizeof(contents));
    add_sized(&archive, "file", 5, contents, sizeof(contents), 0100644);
    add(&archive, "TRAILER!!!", "");
    memcpy(&archive.bytes[6U + 8U * 6U], "000000bD", 8);
    open_ok(&bundle, &archive);
    assert_true(ash_boot_bundle_next(&bundle, &entry));
    assert_int_equal(entry.file.size, 0xBD);
}

static void every_digit_counts_and_nothing_else_is_one(void **state)
{
    struct archive archive;

    (void)state;
    for (unsigned at = 0; at < 8U; at++) {
        for (unsigned byte = 0; byte < 256U; byte++) {
            struct ash_boot_bundle bundle;
            struct ash_boot_fault fault;

            make_example(&archive);
            archive.bytes[6U + at] = (uint8_t)byte; /* c_ino, which nobody reads */
            assert_int_equal(ash_boot_bundle_open(&bundle, archive.bytes, archive.size, &fault),
                             byte < 128U && isxdigit((int)byte) != 0 ? ASH_OK : ASH_EFORMAT);
        }
    }
    make_example(&archive);
    memcpy(&archive.bytes[6U + 8U * 6U], "12345678", 8);
    refused(&archive, ASH_ETRUNC, "c_filesize = 0x12345678");
    memcpy(&archive.bytes[6U + 8U * 6U], "9aBcDeF0", 8);
    refused(&archive, ASH_ETRUNC, "c_filesize = 0x9abcdef0");
}

static void a_name_must_end_where_it_says(void **state)
{
    struct archive archive = {.size = 0};

    (void)state;
    add_sized(&archive, "abcd", 4, "", 0, 0100644);
    add(&archive, "TRAILER!!!", "");
    refused(&archive, ASH_EFORMAT, "name that does not end");
    archive.size = 0;
    add_sized(&archive, "ab\0d", 5, "", 0, 0100644);
    add(&archive, "TRAILER!!!", "");
    refused(&archive, ASH_EFORMAT, "name that does not end");
    archive.size = 0;
    add_sized(&archive, "", 1, "", 0, 0100644);
    refused(&archive, ASH_EFORMAT, "c_namesize = 1");
    archive.size = 0;
    add_sized(&archive, "", 0, "", 0, 0100644);
    refused(&archive, ASH_EFORMAT, "c_namesize = 0");
}

static void sizes_past_the_end_are_refused_with_the_name(void **state)
{
    struct archive archive;

    (void)state;
    make_example(&archive);
    memcpy(&archive.bytes[6U + 8U * 6U], "FFFFFFFF", 8);
    refused(&archive, ASH_ETRUNC, "vms.dtb: c_filesize = 0xffffffff");
    make_example(&archive);
    memcpy(&archive.bytes[6U + 8U * 11U], "FFFFFFFE", 8);
    refused(&archive, ASH_ETRUNC, "c_namesize = 0xfffffffe");
}

static void every_truncation_is_refused(void **state)
{
    struct archive archive;

    (void)state;
    make_example(&archive);
    /* The trailer's own padding may be missing. */
    while (archive.bytes[archive.size - 2U] == 0U) {
        archive.size--;
    }
    sweep_truncations(read_all, archive.bytes, archive.size);
}

static void no_mutation_crashes(void **state)
{
    struct archive archive;

    (void)state;
    make_example(&archive);
    sweep_mutations(read_all, archive.bytes, archive.size, "bundle");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_found_by_name),
        cmocka_unit_test(a_leading_dot_slash_means_nothing_on_either_side),
        cmocka_unit_test(what_is_not_a_single_regular_file_is_not_found),
        cmocka_unit_test(the_newest_time_is_known_once_it_is_open),
        cmocka_unit_test(entries_come_in_order_with_their_modes),
        cmocka_unit_test(zero_bytes_may_follow_the_trailer_and_nothing_else),
        cmocka_unit_test(an_archive_of_nothing_but_the_trailer_is_empty),
        cmocka_unit_test(a_missing_trailer_is_said),
        cmocka_unit_test(a_wrong_magic_names_the_right_one),
        cmocka_unit_test(a_field_that_is_no_number_is_named),
        cmocka_unit_test(hexadecimal_is_read_in_either_case),
        cmocka_unit_test(every_digit_counts_and_nothing_else_is_one),
        cmocka_unit_test(a_name_must_end_where_it_says),
        cmocka_unit_test(sizes_past_the_end_are_refused_with_the_name),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(no_mutation_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
