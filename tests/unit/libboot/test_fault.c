/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

#include "internal.h"

static void assert_line(const struct ash_boot_fault *fault, const char *expected)
{
    char line[ASH_BOOT_FAULT_LINE_SIZE];

    assert_int_equal(ash_boot_fault_format(line, sizeof(line), fault), strlen(expected));
    assert_string_equal(line, expected);
}

static void a_fault_reads_as_one_line(void **state)
{
    struct ash_boot_fault fault;

    (void)state;
    assert_int_equal(ash_boot_fault_set(&fault, ASH_EFORMAT, "vms.dtb", "linux", "/vms/vm0", "vcpus", "<9>",
                                        "is out of range", "1..8"),
                     ASH_EFORMAT);
    assert_line(&fault, "vms.dtb: VM linux: /vms/vm0: vcpus = <9>: is out of range; allowed: 1..8");
}

static void what_does_not_apply_is_left_out(void **state)
{
    struct ash_boot_fault fault;

    (void)state;
    ash_boot_fault_set(&fault, ASH_ENOENT, "bundle", NULL, NULL, NULL, "Image", "is not in the bundle", NULL);
    assert_line(&fault, "bundle: Image: is not in the bundle");
    ash_boot_fault_set(&fault, ASH_ENOENT, NULL, NULL, NULL, "kernel", "", NULL, "a file");
    assert_line(&fault, "kernel: ASH_ENOENT; allowed: a file");
    ash_boot_fault_set(&fault, ASH_EFORMAT, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    assert_line(&fault, "ASH_EFORMAT");
    ash_boot_fault_clear(&fault);
    assert_line(&fault, "no fault");
}

static void text_from_a_file_is_made_printable(void **state)
{
    struct ash_boot_fault fault;

    (void)state;
    ash_boot_fault_set(&fault, ASH_EFORMAT, "bundle", "a\033[2Jb", "n\nx", "p\177", "\"\xff\"", "is bad",
                       NULL);
    assert_line(&fault, "bundle: VM a?[2Jb: n?x: p? = \"?\": is bad");
}

static void texts_that_are_too_long_end_in_dots(void **state)
{
    char text[400];
    struct ash_boot_fault fault;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1U] = '\0';
    ash_boot_fault_set(&fault, ASH_EFORMAT, "bundle", text, text, text, text, "is bad", "good ones");
    assert_int_equal(strlen(fault.vm), sizeof(fault.vm) - 1U);
    assert_string_equal(&fault.vm[sizeof(fault.vm) - 5U], "x...");
    assert_int_equal(strlen(fault.value), sizeof(fault.value) - 1U);
    assert_string_equal(&fault.value[sizeof(fault.value) - 4U], "...");
    assert_fault_says(&fault, "good ones");
    text[ASH_BOOT_FAULT_VM_SIZE - 1U] = '\0';
    ash_boot_fault_set(&fault, ASH_EFORMAT, "bundle", text, NULL, NULL, NULL, "is bad", NULL);
    assert_string_equal(fault.vm, text);
}

static void a_line_is_cut_and_terminated_at_any_size(void **state)
{
    struct ash_boot_fault fault;
    char whole[ASH_BOOT_FAULT_LINE_SIZE];
    size_t length;

    (void)state;
    ash_boot_fault_set(&fault, ASH_EFORMAT, "vms.dtb", "linux", "/vms/vm0", "vcpus", "<9>", "is bad", "1..8");
    length = ash_boot_fault_format(whole, sizeof(whole), &fault);
    assert_int_equal(ash_boot_fault_format(NULL, 0, &fault), length);
    for (size_t size = 1; size <= length + 1U; size++) {
        char *cut = malloc(size);

        assert_non_null(cut);
        assert_int_equal(ash_boot_fault_format(cut, size, &fault), length);
        assert_int_equal(strlen(cut), size - 1U);
        assert_memory_equal(cut, whole, size - 1U);
        free(cut);
    }
}

static void a_fault_can_be_made_of_its_own_texts(void **state)
{
    struct ash_boot_fault fault;

    (void)state;
    ash_boot_fault_set(&fault, ASH_EFORMAT, "a", "vm", "node", "property", "value", "p", NULL);
    ash_boot_fault_set(&fault, ASH_ERANGE, fault.file, fault.value, fault.property, fault.node, fault.vm, "q",
                       NULL);
    assert_line(&fault, "a: VM value: property: node = vm: q");
}

static void assert_property(const char *expected, const void *data, size_t size)
{
    char buffer[64];
    struct ash_boot_text_ text;
    struct ash_boot_span value = {data, size};

    ash_boot_text_begin_(&text, buffer, sizeof(buffer));
    ash_boot_text_property_(&text, value);
    assert_string_equal(buffer, expected);
}

static void a_property_is_shown_as_it_would_be_written(void **state)
{
    (void)state;
    assert_property("", "", 0);
    assert_property("\"linux\"", "linux", 6);
    assert_property("\"a\", \"b\"", "a\0b", 4);
    assert_property("<0>", "\0\0\0\0", 4);
    assert_property("<9 9999 0x2710>", "\0\0\0\011\0\0\x27\x0f\0\0\x27\x10", 12);
    assert_property("[01 ff 00]", "\x01\xff\0", 3);
    assert_property("[00]", "", 1);
    assert_property("<0x616263ff>", "abc\xff", 4);
    assert_property("<0x61626364>", "abcd", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_reads_as_one_line),
        cmocka_unit_test(what_does_not_apply_is_left_out),
        cmocka_unit_test(text_from_a_file_is_made_printable),
        cmocka_unit_test(texts_that_are_too_long_end_in_dots),
        cmocka_unit_test(a_line_is_cut_and_terminated_at_any_size),
        cmocka_unit_test(a_fault_can_be_made_of_its_own_texts),
        cmocka_unit_test(a_property_is_shown_as_it_would_be_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
