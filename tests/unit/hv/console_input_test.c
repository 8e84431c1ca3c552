/* SPDX-License-Identifier: BSD-2-Clause */
/* Focus, and what is typed. */
#include "console_bench.h"

/* ---- Focus ---- */

static void a_change_of_focus_is_said_and_shows_the_unfinished_line(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "$ l");
    say(b, 1, "> q");
    front(b, "2");
    EXPECT_ROWS(b, "[linux] $ l", "ashlar: console: VM 2, bare", "> q", "ashlar: console: all", "[bare] > q");
    say(b, 1, "uit");
    say(b, 0, "s\n");
    say(b, 1, "\n");
    EXPECT_ROWS(b, "[linux] $ l", "ashlar: console: VM 2, bare", "> q", "ashlar: console: all",
                "[bare] > quit", "[linux] $ ls", "[bare] > quit", "");
    type(b, "\x1d"
            "1x");
    assert_int_equal(b->input_size[0], 1);
}

static void a_change_of_focus_behind_a_carriage_return_ends_the_line(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "50%\r");
    say(b, 1, "60%");
    front(b, "2");
    say(b, 0, "\n");
    say(b, 1, "\r70%\r\n");
    EXPECT_ROWS(b, "[linux] 50%", "ashlar: console: VM 2, bare", "60%", "ashlar: console: all", "[bare] 70%",
                "");
}

static void the_lead_in_and_its_keys_go_to_no_vm(void **state)
{
    struct bench *b = (struct bench *)*state;

    type(b, "a\x1d"
            "2b\x1d"
            "3c\x1d"
            "l\x1d?\x1dx\x1d"
            "9\x1d"
            "0\x1d\x1d"
            "d\x1d"
            "1e");
    assert_int_equal(b->input_size[0], 2);
    assert_memory_equal(b->input[0], "ae", 2);
    assert_int_equal(b->input_size[1], 1);
    assert_int_equal(b->input_size[2], 3);
    assert_memory_equal(b->input[2],
                        "c\x1d"
                        "d",
                        3);
}

static void keys_behind_the_lead_in_say_what_they_did(void **state)
{
    struct bench *b = (struct bench *)*state;

    type(b, "\x1dl");
    EXPECT_ROWS(b, "ashlar: console: VM 1, linux (has the keyboard)", "ashlar: console: VM 2, bare",
                "ashlar: console: VM 3, third", "");
    (void)take(b);
    type(b, "\x1d?");
    assert_non_null(strstr(take(b), "ashlar: console: Ctrl-] then 1..9"));
    type(b, "\x1d"
            "7");
    assert_string_equal(take(b), "ashlar: console: there is no VM 7; Ctrl-] l lists them\r\n");
    type(b, "\x1d"
            "9");
    assert_string_equal(take(b), "ashlar: console: there is no VM 9; Ctrl-] l lists them\r\n");
    type(b, "\x1dz");
    assert_string_equal(take(b), "ashlar: console: Ctrl-] and key 0x7a: not known; Ctrl-] h helps\r\n");
    hv_console_input(&b->console, 0x1d);
    hv_console_input(&b->console, 0);
    assert_string_equal(take(b), "ashlar: console: Ctrl-] and key 0x00: not known; Ctrl-] h helps\r\n");
}

static void a_list_leaves_the_unfinished_line_in_place(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "$ ");
    type(b, "\x1dl");
    EXPECT_ROWS(b, "[linux] $ ", "ashlar: console: VM 1, linux (has the keyboard)",
                "ashlar: console: VM 2, bare", "[linux] $ ");
}

static void the_first_and_the_ninth_key_are_numbers_of_vms_too(void **state)
{
    struct bench *b = start(state, 0);

    assert_int_equal(hv_console_add(&b->console, 8, "ninth", b->ring[0], RING_SIZE), ASH_OK);
    assert_int_equal(hv_console_add(&b->console, 9, "tenth", b->ring[0], RING_SIZE), ASH_OK);
    type(b, "x\x1d"
            "1\x1d"
            "8\x1d"
            "9\x1d:");
    EXPECT_ROWS(b, "ashlar: console: there is no VM 1; Ctrl-] l lists them",
                "ashlar: console: there is no VM 8; Ctrl-] l lists them", "ashlar: console: VM 9, ninth",
                "ashlar: console: Ctrl-] and key 0x3a: not known; Ctrl-] h helps", "");
    assert_int_equal(b->input_size[8], 1); /* the first one added had the focus */
    hv_console_vm_ended(&b->console, 8);
    type(b, "\x1d"
            "9y");
    assert_int_equal(b->input_size[8], 2);
}

/* ---- Input ---- */

static void every_byte_but_the_lead_in_passes_unchanged(void **state)
{
    struct bench *b = (struct bench *)*state;
    size_t n = 0;

    for (unsigned byte = 0; byte < 256U; byte++) {
        if (byte != HV_CONSOLE_LEAD_IN) {
            assert_int_equal(hv_console_input(&b->console, (uint8_t)byte), HV_CONSOLE_TAKEN);
            assert_int_equal(b->input[0][n++], byte);
        }
    }
    assert_int_equal(b->raw_size, 0); /* no echo: that is the guest's */
}

/** Offer @size bytes as a serial port would: a byte that is refused is offered again, the VM reading @step at a
 *  time. */
static void paste(struct bench *b, const uint8_t *bytes, size_t size, size_t step)
{
    size_t stalls = 0;

    b->room[0] = 0;
    for (size_t i = 0; i < size; i++) {
        while (hv_console_input(&b->console, bytes[i]) != HV_CONSOLE_TAKEN) {
            stalls++;
            b->room[0] = step;
            (void)hv_console_pump(&b->console);
        }
    }
    assert_true(stalls > 0U);
    do {
        b->room[0] = step;
    } while (hv_console_pump(&b->console));
}

static void a_paste_of_4_kib_into_a_slow_vm_arrives_whole(void **state)
{
    static const size_t steps[] = {1, 2, 16, 32, 1023, 1024};
    uint8_t bytes[4096];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7U + i / 256U);
        bytes[i] = bytes[i] == HV_CONSOLE_LEAD_IN ? '.' : bytes[i];
    }
    for (size_t i = 0; i < ASH_ARRAY_SIZE(steps); i++) {
        struct bench *b = start(state, 2);

        paste(b, bytes, sizeof(bytes), steps[i]);
        assert_int_equal(b->input_size[0], sizeof(bytes));
        assert_memory_equal(b->input[0], bytes, sizeof(bytes));
    }
}

static void a_full_ring_refuses_and_loses_nothing(void **state)
{
    struct bench *b = (struct bench *)*state;
    size_t taken = 0;

    b->room[0] = 0;
    while (hv_console_input(&b->console, (uint8_t)('a' + taken % 26U)) == HV_CONSOLE_TAKEN) {
        taken++;
    }
    assert_int_equal(taken, HV_CONSOLE_INPUT);
    assert_int_equal(hv_console_input(&b->console, 'X'), HV_CONSOLE_FULL);
    assert_true(hv_console_pump(&b->console));
    b->room[0] = 1;
    assert_int_equal(hv_console_input(&b->console, (uint8_t)('a' + taken % 26U)), HV_CONSOLE_TAKEN);
    b->room[0] = SIZE_MAX;
    assert_false(hv_console_pump(&b->console));
    assert_int_equal(b->input_size[0], HV_CONSOLE_INPUT + 1U);
    for (size_t i = 0; i < b->input_size[0]; i++) {
        assert_int_equal(b->input[0][i], 'a' + i % 26U);
    }
}

static void the_lead_in_works_while_the_ring_is_full(void **state)
{
    struct bench *b = (struct bench *)*state;

    b->room[0] = 0;
    while (hv_console_input(&b->console, 'x') == HV_CONSOLE_TAKEN) {
    }
    assert_int_equal(hv_console_input(&b->console, 0x1d), HV_CONSOLE_TAKEN);
    assert_int_equal(hv_console_input(&b->console, 0x1d),
                     HV_CONSOLE_FULL); /* a literal one has no room, and stays a literal one */
    b->room[0] = SIZE_MAX;
    assert_int_equal(hv_console_input(&b->console, 0x1d), HV_CONSOLE_TAKEN);
    assert_int_equal(b->input[0][HV_CONSOLE_INPUT], 0x1d);
    b->room[0] = 0;
    while (hv_console_input(&b->console, 'x') == HV_CONSOLE_TAKEN) {
    }
    type(b, "\x1d"
            "2y");
    assert_int_equal(b->input_size[1], 1);
}

static void what_waits_for_one_vm_does_not_go_to_another(void **state)
{
    struct bench *b = (struct bench *)*state;

    b->room[0] = 0;
    type(b, "for one\x1d"
            "2for two");
    assert_true(hv_console_pump(&b->console));
    assert_int_equal(b->input_size[1], 7);
    assert_memory_equal(b->input[1], "for two", 7);
    b->room[0] = SIZE_MAX;
    assert_false(hv_console_pump(&b->console));
    assert_int_equal(b->input_size[0], 7);
    assert_memory_equal(b->input[0], "for one", 7);
}

static void input_for_a_vm_that_never_reads_can_be_given_up(void **state)
{
    struct bench *b = (struct bench *)*state;

    hv_console_discard_input(&b->console);
    assert_int_equal(b->raw_size, 0);
    b->room[0] = 0;
    type(b, "read");
    b->room[0] = 4;
    assert_false(hv_console_pump(&b->console));
    type(b, "abc");
    hv_console_discard_input(&b->console);
    assert_string_equal(take(b), "ashlar: console: linux does not read: 3 typed bytes dropped\r\n");
    b->room[0] = SIZE_MAX;
    type(b, "d");
    assert_int_equal(b->input_size[0], 5);
    assert_int_equal(b->input[0][4], 'd');
}

static void a_vm_that_starts_again_does_not_get_old_input(void **state)
{
    struct bench *b = (struct bench *)*state;

    b->room[0] = 0;
    type(b, "old");
    hv_console_vm_ended(&b->console, 0);
    b->room[0] = SIZE_MAX;
    assert_false(hv_console_pump(&b->console));
    assert_int_equal(b->input_size[0], 0);
}

static void without_a_vm_typing_and_logging_do_no_harm(void **state)
{
    struct bench *b = start(state, 0);

    type(b, "x\x1d"
            "1\x1d?");
    assert_true(hv_console_log_line(&b->console, "alone"));
    assert_false(hv_console_pump(&b->console));
    hv_console_discard_input(&b->console);
    EXPECT_ROWS(b, "ashlar: console: there is no VM 1; Ctrl-] l lists them",
                "ashlar: console: Ctrl-] then 1..9: that VM; a: all; 0: hv's shell; l: list; h: this; Ctrl-] "
                "again: a literal one",
                "ashlar: alone", "");
}

static void input_is_cut_behind_the_first_such_byte_and_no_further(void **state)
{
    struct bench *b = (struct bench *)*state;

    b->room[0] = 0;
    type(b, "abcXdXe");
    assert_false(hv_console_cut_input(&b->console, 0, 'Y'));
    assert_true(hv_console_cut_input(&b->console, 0, 'X'));
    assert_int_equal(hv_console_take_input(&b->console, 0), 'd');
    assert_true(hv_console_cut_input(&b->console, 0, 'X'));
    assert_int_equal(hv_console_take_input(&b->console, 0), 'e');
    assert_int_equal(hv_console_take_input(&b->console, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(input_is_cut_behind_the_first_such_byte_and_no_further, two_vms),
        cmocka_unit_test_setup(a_change_of_focus_is_said_and_shows_the_unfinished_line, two_vms),
        cmocka_unit_test_setup(a_change_of_focus_behind_a_carriage_return_ends_the_line, two_vms),
        cmocka_unit_test_setup(the_lead_in_and_its_keys_go_to_no_vm, three_vms),
        cmocka_unit_test_setup(keys_behind_the_lead_in_say_what_they_did, three_vms),
        cmocka_unit_test_setup(a_list_leaves_the_unfinished_line_in_place, two_vms),
        cmocka_unit_test_setup(the_first_and_the_ninth_key_are_numbers_of_vms_too, one_vm),
        cmocka_unit_test_setup(every_byte_but_the_lead_in_passes_unchanged, one_vm),
        cmocka_unit_test_setup(a_paste_of_4_kib_into_a_slow_vm_arrives_whole, two_vms),
        cmocka_unit_test_setup(a_full_ring_refuses_and_loses_nothing, one_vm),
        cmocka_unit_test_setup(the_lead_in_works_while_the_ring_is_full, two_vms),
        cmocka_unit_test_setup(what_waits_for_one_vm_does_not_go_to_another, two_vms),
        cmocka_unit_test_setup(input_for_a_vm_that_never_reads_can_be_given_up, two_vms),
        cmocka_unit_test_setup(a_vm_that_starts_again_does_not_get_old_input, two_vms),
        cmocka_unit_test_setup(without_a_vm_typing_and_logging_do_no_harm, one_vm),
    };

    return cmocka_run_group_tests_name("console_input", tests, NULL, NULL);
}
