/* SPDX-License-Identifier: BSD-2-Clause */
/* What several VMs and hv say, as a user sees it on one terminal. */
#include <stdio.h>

#include "console_bench.h"

/* ---- One VM ---- */

static void one_vm_has_no_prefix_and_its_bytes_pass_at_once(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "l");
    assert_string_equal(take(b), "l");
    say(b, 0, "ogin: ");
    assert_string_equal(take(b), "ogin: ");
    say(b, 0, "root\r\nbye\n");
    assert_string_equal(take(b), "root\r\nbye\r\n");
}

static void one_vm_may_write_lines_of_any_length(void **state)
{
    struct bench *b = (struct bench *)*state;
    char line[5000];

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1U] = '\0';
    say(b, 0, line);
    assert_string_equal(take(b), line);
}

static void one_vm_may_send_any_byte_that_is_no_escape(void **state)
{
    struct bench *b = (struct bench *)*state;

    for (unsigned byte = 0; byte < 256U; byte++) {
        if (byte != 0x1bU && byte != '\n') {
            hv_console_output(&b->console, 0, (uint8_t)byte);
            assert_int_equal(b->raw_size, 1);
            assert_int_equal((uint8_t)b->raw[0], byte);
            (void)take(b);
        }
    }
}

static void a_line_of_hv_goes_between_and_the_prompt_comes_back(void **state)
{
    struct bench *b = (struct bench *)*state;

    assert_true(hv_console_log_line(&b->console, "hello"));
    say(b, 0, "# ec");
    assert_true(hv_console_log_line(&b->console, "a fault"));
    say(b, 0, "ho\n");
    EXPECT_ROWS(b, "ashlar: hello", "# ec", "ashlar: a fault", "# echo", "");
}

/* ---- Lines of several ---- */

static void every_line_of_several_vms_has_its_prefix(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "one\n\ntwo\r\n");
    say(b, 1, "three\n\nfour\r\n");
    EXPECT_ROWS(b, "[linux] one", "[linux] ", "[linux] two", "[bare] three", "[bare] ", "[bare] four", "");
}

static void only_the_vm_with_the_focus_is_seen_byte_by_byte(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 1, "beat");
    assert_string_equal(take(b), "");
    say(b, 0, "$");
    assert_string_equal(take(b), "[linux] $");
    say(b, 0, " ");
    assert_string_equal(take(b), " ");
}

static void a_line_of_another_vm_goes_between_and_the_prompt_comes_back(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "$ ls");
    say(b, 1, "beat 1\n");
    say(b, 0, " -l\n");
    EXPECT_ROWS(b, "[linux] $ ls", "[bare] beat 1", "[linux] $ ls -l", "");
}

static void bytes_of_two_vms_in_turns_never_mix_in_a_line(void **state)
{
    struct bench *b = (struct bench *)*state;
    static const char zero[] = "aaaa\nbbbb\n";
    static const char one[] = "1111\n2222\n";

    for (size_t i = 0; i < sizeof(zero) - 1U; i++) {
        hv_console_output(&b->console, 0, (uint8_t)zero[i]);
        hv_console_output(&b->console, 1, (uint8_t)one[i]);
    }
    EXPECT_ROWS(b, "[linux] aaaa", "[bare] 1111", "[linux] bbbb", "[bare] 2222", "");
}

static void a_line_that_only_lacks_its_newline_is_not_drawn_twice(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "all done\r");
    say(b, 1, "beat\n");
    say(b, 0, "\nnext\r\n");
    EXPECT_ROWS(b, "[linux] all done", "[bare] beat", "[linux] next", "");
}

static void a_progress_line_keeps_its_prefix_and_its_place(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "10%\r20%\r30%");
    EXPECT_ROWS(b, "[linux] 30%");
    say(b, 1, "one two\rONE\n");
    EXPECT_ROWS(b, "[linux] 30%", "[bare] ONE two", "[linux] 30%");
    say(b, 0, "\r40%\r\n");
    EXPECT_ROWS(b, "[linux] 30%", "[bare] ONE two", "[linux] 40%", "");
}

static void a_long_line_is_broken_with_its_prefix_again(void **state)
{
    struct bench *b = (struct bench *)*state;

    for (unsigned slot = 0; slot < 2U; slot++) {
        unsigned seen = 0;

        for (unsigned i = 0; i < 600U; i++) {
            hv_console_output(&b->console, slot, (uint8_t)('a' + i % 26U));
        }
        hv_console_output(&b->console, slot, '\n');
        for (unsigned row = b->terminal.rows - 4U; row < b->terminal.rows - 1U; row++) {
            const char *text = terminal_row(&b->terminal, row);
            size_t prefix = slot == 0U ? 8U : 7U;

            assert_memory_equal(text, slot == 0U ? "[linux] " : "[bare] ", prefix);
            assert_true(row == b->terminal.rows - 2U || strlen(text) == HV_CONSOLE_LINE - 3U + prefix);
            for (text += prefix; *text != '\0'; text++) {
                assert_int_equal(*text, 'a' + seen++ % 26U);
            }
        }
        assert_int_equal(seen, 600);
    }
}

static void a_character_of_several_bytes_is_not_torn_by_a_break(void **state)
{
    for (unsigned lead = 0; lead < 4U; lead++) {
        struct bench *b = start(state, 2);

        for (unsigned i = 0; i < lead; i++) {
            hv_console_output(&b->console, 1, 'x');
        }
        for (unsigned i = 0; i < 200U; i++) {
            say(b, 1, "\xe2\x82\xac");
        }
        hv_console_output(&b->console, 1, '\n');
        assert_null(strchr(take(b), '?'));
    }
}

static void an_edited_prompt_is_drawn_again_as_it_looked(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "$ lx\b\x1b[Js -l\b\b\b"); /* the cursor stands on the space */
    say(b, 1, "beat\n");
    EXPECT_ROWS(b, "[linux] $ ls -l", "[bare] beat", "[linux] $ ls -l");
    say(b, 0, "Z");
    assert_string_equal(terminal_row(&b->terminal, 2), "[linux] $ lsZ-l");
    say(b, 0, "\x1b[2D\x1b[C\x1b[K");
    say(b, 1, "beat\n");
    EXPECT_ROWS(b, "[linux] $ ls -l", "[bare] beat", "[linux] $ ls", "[bare] beat", "[linux] $ ls");
}

static void bytes_that_never_end_a_character_are_broken_too(void **state)
{
    struct bench *b = (struct bench *)*state;

    for (unsigned slot = 0; slot < 2U; slot++) {
        for (unsigned i = 0; i < 3U * HV_CONSOLE_LINE; i++) {
            hv_console_output(&b->console, slot, 0x80);
            assert_true(b->console.vm[slot].length <= HV_CONSOLE_LINE);
        }
    }
    assert_true(hv_console_log_line(&b->console, "alive"));
    assert_non_null(strstr(take(b), "ashlar: alive\r\n"));
}

static void cursor_movement_stays_within_what_is_drawn_again(void **state)
{
    static const struct {
        const char *said, *drawn;
    } rows[] = {
        {"abc\b\b\b\x1b[2CX", "abX"},     {"abc\b\b\b\x1b[3CX", "abcX"},
        {"abc\b\b\b\x1b[4CX", "abcX"},    {"abc\b\x1b[CX", "abcX"},
        {"abc\x1b[2DX", "aXc"},           {"abc\x1b[3DX", "Xbc"},
        {"abc\x1b[4DX", "Xbc"},           {"abc\x1b[DX", "abX"},
        {"abc\x1b[0DX", "abX"},           {"\b\b\x1b[DX", "X"},
        {"abc\x1b[1;2DX", "aXc"},         {"abc\b\x1b[65537CX", "abcX"},
        {"abc\b\x1b[KX", "abX"},          {"abc\b\b\x1b[JX", "aX"},
        {"abcd\b\b\x1b[CX", "abcX"},      {"abcdefghijkl\x1b[10DX", "abX"},
        {"abcdefghijkl\x1b[9DX", "abcX"},
    };

    for (size_t i = 0; i < ASH_ARRAY_SIZE(rows); i++) {
        struct bench *b = start(state, 1);
        char expected[64];

        say(b, 0, rows[i].said);
        (void)take(b);
        assert_true(hv_console_log_line(&b->console, "hv"));
        (void)snprintf(expected, sizeof(expected), "\r\nashlar: hv\r\n%s", rows[i].drawn);
        assert_memory_equal(take(b), expected, strlen(expected));
    }
}

static void text_that_the_cursor_has_left_is_not_drawn_again(void **state)
{
    static const struct {
        const char *sequence;
        bool leaves;
    } rows[] = {
        {"\x1b[A", true},
        {"\x1b[2B", true},
        {"\x1b[E", true},
        {"\x1b[F", true},
        {"\x1b[G", true},
        {"\x1b[5;5H", true},
        {"\x1b[f", true},
        {"\x1b[d", true},
        {"\x1b[2J", true},
        {"\x1b[1K", true},
        {"\x1b[2K", true},
        {"\x1b"
         "D",
         true},
        {"\x1b"
         "E",
         true},
        {"\x1bM", true},
        {"\x1b"
         "c",
         true},
        {"\0338", true},
        {"\v", true},
        {"\f", true},
        {"\0337", false},
        {"\x1b[1;31m", false},
        {"\x1b[6n", false},
        {"\x1b=", false},
        {"\a", false},
        {"\x1b(B", false},
        {"\x1b]0;x\a", false},
        {"\x1b#8", false},
        {"\x7f", false},
    };

    for (size_t i = 0; i < ASH_ARRAY_SIZE(rows); i++) {
        struct bench *b = start(state, 2);

        say(b, 0, "long before");
        say(b, 0, rows[i].sequence);
        say(b, 0, "behind");
        (void)take(b);
        assert_true(hv_console_log_line(&b->console, "hv"));
        assert_string_equal(take(b), rows[i].leaves ? "\r\nashlar: hv\r\n[linux] behind"
                                                    : "\r\nashlar: hv\r\n[linux] long beforebehind");
    }
}

static void a_second_vm_turns_prefixes_on(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "early\n$ ");
    assert_int_equal(hv_console_add(&b->console, 1, "late", b->ring[0], RING_SIZE), ASH_OK);
    say(b, 0, "x\n");
    EXPECT_ROWS(b, "early", "$ ", "[linux] $ x", "");
}

static void a_vm_that_ends_has_its_last_words(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "$ ");
    say(b, 1, "no newline");
    hv_console_vm_ended(&b->console, 1);
    hv_console_vm_ended(&b->console, 0);
    hv_console_vm_ended(&b->console, 0);
    hv_console_vm_ended(&b->console, 7);
    hv_console_vm_ended(&b->console, HV_CONSOLE_MAX_VMS);
    EXPECT_ROWS(b, "[linux] $ ", "[bare] no newline", "[linux] $ ", "");
}

static void output_of_a_slot_without_a_vm_is_dropped(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 2, "x\n");
    say(b, HV_CONSOLE_MAX_VMS, "x\n");
    say(b, UINT32_MAX, "x\n");
    assert_int_equal(b->raw_size, 0);
}

static void a_slot_is_taken_once_and_a_name_is_made_printable(void **state)
{
    struct bench *b = (struct bench *)*state;

    assert_int_equal(hv_console_add(&b->console, 0, "x", b->ring[0], RING_SIZE), ASH_EEXIST);
    assert_int_equal(hv_console_add(&b->console, HV_CONSOLE_SLOTS, "x", b->ring[5], RING_SIZE), ASH_EINVAL);
    assert_int_equal(hv_console_add(&b->console, 5, "x", b->ring[5], RING_SIZE - 1U), ASH_EINVAL);
    assert_int_equal(hv_console_add(&b->console, 5, "x", b->ring[5], 2U * HV_CONSOLE_SLACK), ASH_EINVAL);
    assert_int_equal(hv_console_add(&b->console, 5, "x", b->ring[5], 0), ASH_EINVAL);
    assert_int_equal(hv_console_add(&b->console, 2, "\x1b[H \x9b\n\x7f", b->ring[2], RING_SIZE), ASH_OK);
    assert_int_equal(hv_console_add(&b->console, 3, "", b->ring[3], RING_SIZE), ASH_OK);
    assert_int_equal(
        hv_console_add(&b->console, 4, "0123456789012345678901234567890123456789", b->ring[4], RING_SIZE),
        ASH_OK);
    say(b, 2, "a\n");
    say(b, 3, "b\n");
    say(b, 4, "c\n");
    EXPECT_ROWS(b, "[?[H????] a", "[?] b", "[0123456789012345678901234567890] c", "");
}

static void a_log_line_is_plain_text_and_each_of_its_lines_is_marked(void **state)
{
    struct bench *b = (struct bench *)*state;

    assert_true(hv_console_log_line(&b->console, "one\n\ntwo \x1b[2J\r\x7f\x9bH\xc2\x9bH\xc3\xa4\n"));
    assert_true(hv_console_log_line(&b->console, ""));
    assert_true(hv_console_log_line(&b->console, "\n"));
    EXPECT_ROWS(b, "ashlar: one", "ashlar: ", "ashlar: two ?[2J???H??H\xc3\xa4", "ashlar: ", "ashlar: ", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_vm_has_no_prefix_and_its_bytes_pass_at_once, one_vm),
        cmocka_unit_test_setup(one_vm_may_write_lines_of_any_length, one_vm),
        cmocka_unit_test_setup(one_vm_may_send_any_byte_that_is_no_escape, one_vm),
        cmocka_unit_test_setup(a_line_of_hv_goes_between_and_the_prompt_comes_back, one_vm),
        cmocka_unit_test_setup(every_line_of_several_vms_has_its_prefix, two_vms),
        cmocka_unit_test_setup(only_the_vm_with_the_focus_is_seen_byte_by_byte, two_vms),
        cmocka_unit_test_setup(a_line_of_another_vm_goes_between_and_the_prompt_comes_back, two_vms),
        cmocka_unit_test_setup(bytes_of_two_vms_in_turns_never_mix_in_a_line, two_vms),
        cmocka_unit_test_setup(a_line_that_only_lacks_its_newline_is_not_drawn_twice, two_vms),
        cmocka_unit_test_setup(a_progress_line_keeps_its_prefix_and_its_place, two_vms),
        cmocka_unit_test_setup(a_long_line_is_broken_with_its_prefix_again, two_vms),
        cmocka_unit_test_setup(a_character_of_several_bytes_is_not_torn_by_a_break, two_vms),
        cmocka_unit_test_setup(an_edited_prompt_is_drawn_again_as_it_looked, two_vms),
        cmocka_unit_test_setup(bytes_that_never_end_a_character_are_broken_too, two_vms),
        cmocka_unit_test_setup(cursor_movement_stays_within_what_is_drawn_again, one_vm),
        cmocka_unit_test_setup(text_that_the_cursor_has_left_is_not_drawn_again, two_vms),
        cmocka_unit_test_setup(a_second_vm_turns_prefixes_on, one_vm),
        cmocka_unit_test_setup(a_vm_that_ends_has_its_last_words, two_vms),
        cmocka_unit_test_setup(output_of_a_slot_without_a_vm_is_dropped, two_vms),
        cmocka_unit_test_setup(a_slot_is_taken_once_and_a_name_is_made_printable, two_vms),
        cmocka_unit_test_setup(a_log_line_is_plain_text_and_each_of_its_lines_is_marked, two_vms),
    };

    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
