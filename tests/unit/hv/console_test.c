/* SPDX-License-Identifier: BSD-2-Clause */
/* The console: what a user sees on a terminal, and what reaches which VM. */
#include <stdio.h>
#include <string.h>

#include <libbase/compiler.h>
#include <libbase/errors.h>

#include "core/console.h"
#include "terminal.h"
#include "testkit/cmocka.h"
#include "testkit/seed.h"

#define VM_INPUT 16384U

struct bench {
    struct hv_console console;
    struct terminal terminal;
    bool is_unwatched;  /* nothing is written down */
    char raw[1U << 16]; /* the bytes as written, since the last take() */
    size_t raw_size;
    uint8_t input[HV_CONSOLE_MAX_VMS][VM_INPUT]; /* what each VM was given */
    size_t input_size[HV_CONSOLE_MAX_VMS];
    size_t room[HV_CONSOLE_MAX_VMS]; /* bytes that it will still take */
};

static void write_terminal(void *ctx, const char *bytes, size_t size)
{
    struct bench *b = (struct bench *)ctx;

    assert_true(size > 0U);
    if (b->is_unwatched) {
        return;
    }
    terminal_write(&b->terminal, bytes, size);
    if (b->raw_size + size < sizeof(b->raw)) {
        memcpy(&b->raw[b->raw_size], bytes, size);
        b->raw_size += size;
        b->raw[b->raw_size] = '\0';
    }
}

static bool deliver(void *ctx, uint32_t slot, uint8_t byte)
{
    struct bench *b = (struct bench *)ctx;

    assert_true(slot < HV_CONSOLE_MAX_VMS);
    if (b->room[slot] == 0U) {
        return false;
    }
    b->room[slot]--;
    assert_true(b->input_size[slot] < VM_INPUT);
    b->input[slot][b->input_size[slot]++] = byte;
    return true;
}

static const struct hv_console_ops ops = {.write = write_terminal, .deliver = deliver};

static struct bench *start(void **state, unsigned vms)
{
    static struct bench bench;
    static const char *const names[] = {"linux", "bare", "third"};

    memset(&bench, 0, sizeof(bench));
    terminal_init(&bench.terminal);
    hv_console_init(&bench.console, &ops, &bench);
    for (unsigned i = 0; i < vms; i++) {
        assert_int_equal(hv_console_add_vm(&bench.console, i, names[i]), ASH_OK);
    }
    for (unsigned i = 0; i < HV_CONSOLE_MAX_VMS; i++) {
        bench.room[i] = SIZE_MAX;
    }
    *state = &bench;
    return &bench;
}

static int one_vm(void **state)
{
    (void)start(state, 1);
    return 0;
}

static int two_vms(void **state)
{
    (void)start(state, 2);
    return 0;
}

static int three_vms(void **state)
{
    (void)start(state, 3);
    return 0;
}

static void say(struct bench *b, uint32_t slot, const char *text)
{
    for (; *text != '\0'; text++) {
        hv_console_output(&b->console, slot, (uint8_t)*text);
    }
}

static void type(struct bench *b, const char *keys)
{
    for (; *keys != '\0'; keys++) {
        assert_true(hv_console_input(&b->console, (uint8_t)*keys));
    }
}

/** The bytes written since the last time. */
static const char *take(struct bench *b)
{
    static char taken[1U << 16];

    memcpy(taken, b->raw, b->raw_size + 1U);
    b->raw_size = 0;
    b->raw[0] = '\0';
    return taken;
}

static void expect_rows(struct bench *b, const char *const *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_string_equal(terminal_row(&b->terminal, i), rows[i]);
    }
    assert_int_equal(b->terminal.rows, count);
}

#define EXPECT_ROWS(b, ...)                                                                                  \
    do {                                                                                                     \
        static const char *const expected_rows_[] = {__VA_ARGS__};                                           \
        expect_rows((b), expected_rows_, ASH_ARRAY_SIZE(expected_rows_));                                    \
    } while (0)

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

    hv_console_log_line(&b->console, "hello");
    say(b, 0, "# ec");
    hv_console_log_line(&b->console, "a fault");
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

    say(b, 0, "done\r");
    say(b, 1, "beat\n");
    say(b, 0, "\nnext\r\n");
    EXPECT_ROWS(b, "[linux] done", "[bare] beat", "[linux] next", "");
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
            assert_true(strlen(text) <= HV_CONSOLE_LINE + prefix);
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

static void a_second_vm_turns_prefixes_on(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "early\n$ ");
    assert_int_equal(hv_console_add_vm(&b->console, 1, "late"), ASH_OK);
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

    assert_int_equal(hv_console_add_vm(&b->console, 0, "x"), ASH_EEXIST);
    assert_int_equal(hv_console_add_vm(&b->console, HV_CONSOLE_MAX_VMS, "x"), ASH_EINVAL);
    assert_int_equal(hv_console_add_vm(&b->console, 2, "\x1b[H \x9b\n"), ASH_OK);
    assert_int_equal(hv_console_add_vm(&b->console, 3, ""), ASH_OK);
    assert_int_equal(hv_console_add_vm(&b->console, 4, "0123456789012345678901234567890123456789"), ASH_OK);
    say(b, 2, "a\n");
    say(b, 3, "b\n");
    say(b, 4, "c\n");
    EXPECT_ROWS(b, "[?[H???] a", "[?] b", "[0123456789012345678901234567890] c", "");
}

static void a_log_line_is_plain_text_and_each_of_its_lines_is_marked(void **state)
{
    struct bench *b = (struct bench *)*state;

    hv_console_log_line(&b->console, "one\n\ntwo \x1b[2J\r\x9bH\xc2\x9bH\xc3\xa4\n");
    hv_console_log_line(&b->console, "");
    hv_console_log_line(&b->console, "\n");
    EXPECT_ROWS(b, "ashlar: one", "ashlar: ", "ashlar: two ?[2J??H??H\xc3\xa4", "ashlar: ", "ashlar: ", "");
}

/* ---- Escape sequences ---- */

static void a_query_of_the_vm_with_the_focus_reaches_the_terminal_once(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "$ \x1b[6");
    say(b, 1, "beat\n"); /* in the middle of it */
    hv_console_log_line(&b->console, "hv");
    say(b, 0, "n");
    say(b, 1, "beat\n"); /* drawn again, not asked again */
    assert_int_equal(b->terminal.queries, 1);
    assert_int_equal(b->terminal.torn, 0);
    say(b, 1, "\x1b[6n\n");
    assert_int_equal(b->terminal.queries, 1);
}

static void sequences_of_the_vm_with_the_focus_pass_unchanged(void **state)
{
    static const char *const sequences[] = {
        "\x1b[6n",  "\x1b[1;31m", "\x1b[?25h",      "\x1b(B", "\0337",   "\x1b[2J",        "\x1b[c",
        "\x1b[3 q", "\x1b]0;t\a", "\x1b]0;t\x1b\\", "\x1bM",  "\x1b[>c", "\x1bPq#0\x1b\\",
    };

    for (size_t i = 0; i < ASH_ARRAY_SIZE(sequences); i++) {
        for (unsigned vms = 1; vms <= 2U; vms++) {
            struct bench *b = start(state, vms);

            say(b, 0, "x");
            (void)take(b);
            say(b, 0, sequences[i]);
            assert_string_equal(take(b), sequences[i]);
            say(b, 0, "y");
            assert_string_equal(take(b), "y");
        }
    }
}

static void a_string_longer_than_the_hold_passes_whole(void **state)
{
    struct bench *b = (struct bench *)*state;
    char text[400] = "\x1b]52;c;";

    memset(&text[7], 'A', 300);
    text[307] = '\a';
    say(b, 0, "x");
    (void)take(b);
    say(b, 0, text);
    assert_string_equal(take(b), text);
    say(b, 1, "beat\n");
    EXPECT_ROWS(b, "[linux] x", "[bare] beat", "[linux] x");
}

static void a_line_in_the_middle_of_a_long_string_is_not_swallowed_by_it(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "x\x1b]52;c;AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    hv_console_log_line(&b->console, "seen");
    say(b, 0, "BBBB\ay\n");
    EXPECT_ROWS(b, "[linux] x", "ashlar: seen", "[linux] xy", "");
}

static void a_string_without_an_end_silences_nobody(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 1, "\x1b]a\nheard\n");
    say(b, 0, "\x1bPb\nheard\n");
    say(b, 1, "\x1b_0123456789012345678901234567890123456789\nheard\n");
    EXPECT_ROWS(b, "[bare] ", "[bare] heard", "[linux] ", "[linux] heard", "[bare] ", "[bare] heard", "");
}

static void a_sequence_broken_off_by_a_control_character_is_dropped(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0,
        "a\x1b[3\nb\x1b\x1b[mc\x1b[\x18"
        "d\n");
    assert_int_equal(b->terminal.torn, 0);
    EXPECT_ROWS(b, "[linux] a", "[linux] bcd", "");
}

static void a_sequence_that_begins_under_one_focus_does_not_end_under_another(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "\x1b[");
    type(b, "\x1d"
            "2");
    say(b, 0, "6nx\n");
    assert_int_equal(b->terminal.queries, 0);
    say(b, 1, "\x1b]0123456789012345678901234567890123456789");
    type(b, "\x1d"
            "1");
    say(b, 1, "x\ay\n");
    assert_int_equal(b->terminal.state, 0);
    assert_string_equal(terminal_row(&b->terminal, b->terminal.rows - 2U), "[bare] y");
}

/* ---- Focus ---- */

static void a_change_of_focus_is_said_and_shows_the_unfinished_line(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "$ l");
    say(b, 1, "> q");
    type(b, "\x1d"
            "2");
    EXPECT_ROWS(b, "[linux] $ l", "ashlar: console: VM 2, bare", "[bare] > q");
    say(b, 1, "uit");
    say(b, 0, "s\n");
    say(b, 1, "\n");
    EXPECT_ROWS(b, "[linux] $ l", "ashlar: console: VM 2, bare", "[bare] > quit", "[linux] $ ls",
                "[bare] > quit", "");
    type(b, "\x1d"
            "1x");
    assert_int_equal(b->input_size[0], 1);
}

static void a_change_of_focus_behind_a_carriage_return_ends_the_line(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "50%\r");
    say(b, 1, "60%\r");
    type(b, "\x1d"
            "2");
    say(b, 0, "\n");
    say(b, 1, "70%\r\n");
    EXPECT_ROWS(b, "[linux] 50%", "ashlar: console: VM 2, bare", "[bare] 70%", "");
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
    EXPECT_ROWS(b, "ashlar: console: VM 1, linux (has the input)", "ashlar: console: VM 2, bare",
                "ashlar: console: VM 3, third", "");
    (void)take(b);
    type(b, "\x1d?");
    assert_non_null(strstr(take(b), "ashlar: console: Ctrl-] then 1..9"));
    type(b, "\x1d"
            "7");
    assert_string_equal(take(b), "ashlar: console: there is no VM 7; Ctrl-] l lists them\r\n");
    type(b, "\x1dz");
    assert_string_equal(take(b), "ashlar: console: Ctrl-] and key 0x7a: not known; Ctrl-] ? helps\r\n");
    hv_console_input(&b->console, 0x1d);
    hv_console_input(&b->console, 0);
    assert_string_equal(take(b), "ashlar: console: Ctrl-] and key 0x00: not known; Ctrl-] ? helps\r\n");
}

/* ---- Input ---- */

static void every_byte_but_the_lead_in_passes_unchanged(void **state)
{
    struct bench *b = (struct bench *)*state;
    size_t n = 0;

    for (unsigned byte = 0; byte < 256U; byte++) {
        if (byte != HV_CONSOLE_LEAD_IN) {
            assert_true(hv_console_input(&b->console, (uint8_t)byte));
            assert_int_equal(b->input[0][n++], byte);
        }
    }
    assert_int_equal(b->raw_size, 0); /* no echo: that is the guest's */
}

/** Offer @size bytes as a serial port would: a byte that is refused is offered again, the VM reading @step at a time. */
static void paste(struct bench *b, const uint8_t *bytes, size_t size, size_t step)
{
    size_t stalls = 0;

    b->room[0] = 0;
    for (size_t i = 0; i < size; i++) {
        while (!hv_console_input(&b->console, bytes[i])) {
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
    while (hv_console_input(&b->console, (uint8_t)('a' + taken % 26U))) {
        taken++;
    }
    assert_int_equal(taken, HV_CONSOLE_INPUT);
    assert_false(hv_console_input(&b->console, 'X'));
    assert_true(hv_console_pump(&b->console));
    b->room[0] = 1;
    assert_true(hv_console_input(&b->console, (uint8_t)('a' + taken % 26U)));
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
    while (hv_console_input(&b->console, 'x')) {
    }
    assert_true(hv_console_input(&b->console, 0x1d));
    assert_false(
        hv_console_input(&b->console, 0x1d)); /* a literal one has no room, and stays a literal one */
    b->room[0] = SIZE_MAX;
    assert_true(hv_console_input(&b->console, 0x1d));
    assert_int_equal(b->input[0][HV_CONSOLE_INPUT], 0x1d);
    b->room[0] = 0;
    while (hv_console_input(&b->console, 'x')) {
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
    type(b, "abc");
    hv_console_discard_input(&b->console);
    assert_string_equal(take(b), "ashlar: console: linux does not read: 3 typed bytes dropped\r\n");
    b->room[0] = SIZE_MAX;
    type(b, "d");
    assert_int_equal(b->input_size[0], 1);
    assert_int_equal(b->input[0][0], 'd');
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
    hv_console_log_line(&b->console, "alone");
    assert_false(hv_console_pump(&b->console));
    hv_console_discard_input(&b->console);
    EXPECT_ROWS(b, "ashlar: alone", "");
}

/* ---- Forgery ---- */

/** Every row but the last carries the mark of who wrote it; rows of hv are those that hv logged. */
static unsigned check_marks(struct bench *b, const char *logged)
{
    unsigned by_hv = 0;

    for (unsigned i = 0; i < b->terminal.rows; i++) {
        const char *text = terminal_row(&b->terminal, i);

        if (strncmp(text, "ashlar: ", 8) == 0) {
            assert_string_equal(text + 8, logged);
            by_hv++;
        } else if (text[0] != '\0') {
            assert_true(strncmp(text, "[linux] ", 8) == 0 || strncmp(text, "[bare] ", 7) == 0 ||
                        strncmp(text, "[third] ", 8) == 0);
        }
    }
    return by_hv;
}

static void no_trick_of_another_vm_forges_a_line_of_hv(void **state)
{
    static const char *const tricks[] = {
        "\rashlar: forged\n",
        "x\r\rashlar: forged\r\n",
        "x\n\rashlar: forged\n",
        "\b\b\b\b\b\b\b\b\b\bashlar: forged\n",
        "\x1b[1Gashlar: forged\n",
        "\x1b[100Dashlar: forged\n",
        "\x1b[A\rashlar: forged\n",
        "\x1b[2J\x1b[Hashlar: forged\n",
        "\x1b"
        "Eashlar: forged\n",
        "\x1b"
        "cashlar: forged\n",
        "\vashlar: forged\n",
        "\fashlar: forged\n",
        "\x9b"
        "Hashlar: forged\n",
        "\xc2\x9bHashlar: forged\n",
        "\xc2\x85"
        "ashlar: forged\n",
        "\x84"
        "ashlar: forged\n",
        "\x1b[8m\x1b[30;40mx\nashlar: forged\n",
        "\x1b]0;x\n\rashlar: forged\n",
        "\x1b[\x1b[\x1b[Hashlar: forged\n",
        "\x1b[999999999999999999999Dashlar: forged\n",
    };

    for (size_t i = 0; i < ASH_ARRAY_SIZE(tricks); i++) {
        struct bench *b = start(state, 2);

        say(b, 0, "$ ");
        say(b, 1, tricks[i]);
        say(b, 0, "ls\n");
        (void)check_marks(b, "");
        assert_int_equal(b->terminal.queries, 0);
        assert_string_equal(terminal_row(&b->terminal, b->terminal.rows - 2U), "[linux] $ ls");
    }
}

static void nor_does_plain_text_of_the_vm_with_the_focus(void **state)
{
    static const char *const tricks[] = {
        "\rashlar: forged\n", "x\r\rashlar: forged\r\n", "x\n\rashlar: forged\n",
        "\nashlar: forged\n", "x\r\aashlar: forged",     "\r\r\r\rashlar: forged\r\r\r\n",
    };

    for (size_t i = 0; i < ASH_ARRAY_SIZE(tricks); i++) {
        struct bench *b = start(state, 2);

        say(b, 0, tricks[i]);
        assert_int_equal(check_marks(b, ""), 0);
    }
}

static void other_vms_reach_the_terminal_with_plain_text_only(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct test_rng rng;
    static const char alphabet[] =
        "\r\n\b\t\v\f\a\x1b\x1b\x1b[[[]PX_^\\;0126nHABCDJKm?ashlar: \x18\x1a\x9b\xc2"
        "\x85\xe2\x82\xac\x7f\x0e\x0f";
    unsigned logged = 0;

    (void)test_rng_init(&rng, "console");
    for (unsigned i = 0; i < 12000U; i++) {
        uint32_t slot = 1U + (uint32_t)test_rng_below(&rng, 2);
        uint8_t byte = test_rng_below(&rng, 8) == 0U
                           ? (uint8_t)test_rng_next(&rng)
                           : (uint8_t)alphabet[test_rng_below(&rng, sizeof(alphabet))];

        hv_console_output(&b->console, slot, byte);
        if (test_rng_below(&rng, 40) == 0U) {
            hv_console_output(&b->console, 0, test_rng_below(&rng, 9) == 0U ? '\n' : 'f');
        }
        if (test_rng_below(&rng, 500) == 0U) {
            hv_console_log_line(&b->console, "true");
            logged++;
        }
        for (size_t n = 0; n < b->raw_size; n++) {
            uint8_t c = (uint8_t)b->raw[n];
            assert_true(c >= 0x20U || c == '\r' || c == '\n' || c == '\b' || c == '\t');
            assert_int_not_equal(c, 0x7f);
        }
        (void)take(b);
    }
    assert_true(logged > 0U);
    assert_int_equal(check_marks(b, "true"), logged);
    assert_int_equal(b->terminal.torn + b->terminal.queries + b->terminal.strange, 0);
}

static void random_output_and_typing_never_break_an_invariant(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct test_rng rng;
    unsigned held = 0;
    unsigned passing = 0;
    unsigned full = 0;

    b->is_unwatched = true;
    (void)test_rng_init(&rng, "console");
    for (unsigned i = 0; i < 300000U; i++) {
        uint64_t random = test_rng_next(&rng);
        uint32_t slot = (uint32_t)(random >> 8) % 4U;

        if ((random & 7U) < 5U) {
            bool is_text = (i / 512U) % 2U == 0U || (random >> 20) % 16U != 0U;
            hv_console_output(&b->console, slot,
                              is_text ? (uint8_t)('!' + (random >> 24) % 90U)
                                      : (uint8_t)("\x1b]\n\r\b["[(random >> 24) % 6U]));
        } else if ((random & 7U) < 7U) {
            b->room[slot] = (random >> 16) % 64U == 0U ? 100U : 0U;
            (void)hv_console_input(&b->console,
                                   (random >> 24) % 1024U == 0U ? 0x1d : (uint8_t)(random >> 40));
        } else if ((random >> 16) % 64U == 0U) {
            hv_console_vm_ended(&b->console, slot);
        }
        for (unsigned s = 0; s < 3U; s++) {
            const struct hv_console_vm *vm = &b->console.vm[s];

            assert_true(vm->column <= vm->length && vm->length <= HV_CONSOLE_LINE);
            assert_true(vm->held_length <= HV_CONSOLE_SEQUENCE);
            assert_true(vm->input_head - vm->input_tail <= HV_CONSOLE_INPUT);
            assert_true(vm->begun || (vm->length == 0U && !vm->returned));
            assert_true(!vm->passing || (vm->state != 0U && s == b->console.focus));
            held += vm->state != 0U ? 1U : 0U;
            passing += vm->passing ? 1U : 0U;
            full += vm->input_head - vm->input_tail == HV_CONSOLE_INPUT ? 1U : 0U;
        }
        b->input_size[0] = b->input_size[1] = b->input_size[2] = 0;
        assert_true(b->console.focus < 3U);
    }
    assert_true(held > 0U && passing > 0U && full > 0U);
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
        cmocka_unit_test_setup(a_second_vm_turns_prefixes_on, one_vm),
        cmocka_unit_test_setup(a_vm_that_ends_has_its_last_words, two_vms),
        cmocka_unit_test_setup(output_of_a_slot_without_a_vm_is_dropped, two_vms),
        cmocka_unit_test_setup(a_slot_is_taken_once_and_a_name_is_made_printable, two_vms),
        cmocka_unit_test_setup(a_log_line_is_plain_text_and_each_of_its_lines_is_marked, two_vms),
        cmocka_unit_test_setup(a_query_of_the_vm_with_the_focus_reaches_the_terminal_once, two_vms),
        cmocka_unit_test_setup(sequences_of_the_vm_with_the_focus_pass_unchanged, one_vm),
        cmocka_unit_test_setup(a_string_longer_than_the_hold_passes_whole, two_vms),
        cmocka_unit_test_setup(a_line_in_the_middle_of_a_long_string_is_not_swallowed_by_it, two_vms),
        cmocka_unit_test_setup(a_string_without_an_end_silences_nobody, two_vms),
        cmocka_unit_test_setup(a_sequence_broken_off_by_a_control_character_is_dropped, two_vms),
        cmocka_unit_test_setup(a_sequence_that_begins_under_one_focus_does_not_end_under_another, two_vms),
        cmocka_unit_test_setup(a_change_of_focus_is_said_and_shows_the_unfinished_line, two_vms),
        cmocka_unit_test_setup(a_change_of_focus_behind_a_carriage_return_ends_the_line, two_vms),
        cmocka_unit_test_setup(the_lead_in_and_its_keys_go_to_no_vm, three_vms),
        cmocka_unit_test_setup(keys_behind_the_lead_in_say_what_they_did, three_vms),
        cmocka_unit_test_setup(every_byte_but_the_lead_in_passes_unchanged, one_vm),
        cmocka_unit_test_setup(a_paste_of_4_kib_into_a_slow_vm_arrives_whole, two_vms),
        cmocka_unit_test_setup(a_full_ring_refuses_and_loses_nothing, one_vm),
        cmocka_unit_test_setup(the_lead_in_works_while_the_ring_is_full, two_vms),
        cmocka_unit_test_setup(what_waits_for_one_vm_does_not_go_to_another, two_vms),
        cmocka_unit_test_setup(input_for_a_vm_that_never_reads_can_be_given_up, two_vms),
        cmocka_unit_test_setup(a_vm_that_starts_again_does_not_get_old_input, two_vms),
        cmocka_unit_test_setup(without_a_vm_typing_and_logging_do_no_harm, one_vm),
        cmocka_unit_test_setup(no_trick_of_another_vm_forges_a_line_of_hv, two_vms),
        cmocka_unit_test_setup(nor_does_plain_text_of_the_vm_with_the_focus, two_vms),
        cmocka_unit_test_setup(other_vms_reach_the_terminal_with_plain_text_only, three_vms),
        cmocka_unit_test_setup(random_output_and_typing_never_break_an_invariant, three_vms),
    };

    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
