/* SPDX-License-Identifier: BSD-2-Clause */
/* Escape sequences, and guests that try to pass for hv. */
#include <stdio.h>

#include "console_bench.h"
#include "testkit/seed.h"

/* ---- Escape sequences ---- */

static void a_query_of_the_vm_with_the_focus_reaches_the_terminal_once(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "$ \x1b[6");
    say(b, 1, "beat\n"); /* in the middle of it */
    assert_true(hv_console_log_line(&b->console, "hv"));
    say(b, 0, "n");
    say(b, 1, "beat\n"); /* drawn again, not asked again */
    assert_int_equal(b->terminal.queries, 1);
    assert_int_equal(b->terminal.torn, 0);
    say(b, 1, "\x1b[6n\n");
    assert_int_equal(b->terminal.queries, 1);
}

static void sequences_of_the_vm_with_the_focus_pass_unchanged_and_in_one_piece(void **state)
{
    static const char *const sequences[] = {
        "\x1b[6n",
        "\x1b[1;31m",
        "\x1b[?25h",
        "\x1b(B",
        "\0337",
        "\x1b[2J",
        "\x1b[c",
        "\x1b[3 q",
        "\x1b]0;a b\a",
        "\x1b]a\\b\x1b\\",
        "\x1bM",
        "\x1b[>c",
        "\x1bPq#0\x1b\\",
        "\x1bXa\x1b\\",
        "\x1b^a\x1b\\",
        "\x1b_a\x1b\\",
        "\x1b]a\033b\x1b\\",
        "\x1b F",
        "\x1b/A",
        "\x1b[@",
        "\x1b[~",
        "\x1b[09;90H",
        "\x1b~",
        "\x1b]\xe2\x82\xac\a",
    };

    for (size_t i = 0; i < ASH_ARRAY_SIZE(sequences); i++) {
        for (unsigned vms = 1; vms <= 2U; vms++) {
            struct bench *b = start(state, vms);

            say(b, 0, "x");
            (void)take(b);
            for (const char *byte = sequences[i]; *byte != '\0'; byte++) {
                assert_string_equal(take(b), ""); /* nothing before it is whole */
                hv_console_output(&b->console, 0, (uint8_t)*byte);
            }
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
    assert_null(strchr(take(b), '\x18')); /* it was over: nothing to cancel */
}

static void a_line_in_the_middle_of_a_long_string_is_not_swallowed_by_it(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "x\x1b]52;c;AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_true(hv_console_log_line(&b->console, "seen"));
    (void)take(b);
    say(b, 0, "BBBB\a"); /* the rest of what was cut short */
    assert_string_equal(take(b), "");
    say(b, 0, "y\n");
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

static void the_prefix_comes_before_a_sequence_that_begins_a_line(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "\x1b[6n");
    assert_string_equal(take(b), "[linux] \x1b[6n");
    say(b, 0, "\r\x1b[6n");
    assert_string_equal(take(b), "\r[linux] \x1b[6n");
}

static void a_vm_that_starts_again_is_in_no_sequence(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "x\x1b[");
    hv_console_vm_ended(&b->console, 0);
    say(b, 0, "6n\r");
    assert_true(hv_console_log_line(&b->console, "hv"));
    hv_console_vm_ended(&b->console, 0);
    say(b, 0, "\nx\n"); /* an empty line of its own */
    EXPECT_ROWS(b, "[linux] x", "[linux] 6n", "ashlar: hv", "[linux] ", "[linux] x", "");
}

static void a_byte_that_belongs_to_no_sequence_drops_it(void **state)
{
    static const uint8_t strangers[] = {0x00, 0x07, 0x0e, 0x18, 0x1a, 0x1f, 0x7f, 0x80, 0x9b, 0xff};

    for (size_t i = 0; i < sizeof(strangers); i++) {
        struct bench *b = start(state, 1);
        char expected[8] = {(char)strangers[i], '6', 'n', '\0'};

        say(b, 0, "\x1b[");
        hv_console_output(&b->console, 0, strangers[i]);
        say(b, 0, "6n");
        assert_int_equal(b->raw_size, 3);
        assert_memory_equal(take(b), expected, 3);
    }
}

static void a_sequence_that_begins_under_one_focus_does_not_end_under_another(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "\x1b[");
    front(b, "2");
    say(b, 0, "6nx\n");
    assert_int_equal(b->terminal.queries, 0);
    say(b, 1, "\x1b]0123456789012345678901234567890123456789");
    front(b, "1");
    (void)take(b);
    front(b, "2");
    (void)take(b);
    say(b, 1, "x\a");
    assert_string_equal(take(b), "");
    front(b, "1");
    say(b, 1, "y\n");
    assert_int_equal(b->terminal.state, 0);
    assert_string_equal(terminal_row(&b->terminal, b->terminal.rows - 2U), "[bare] y");
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

/** Is this one character that may be shown? By the numbers of Unicode, not by its table of byte ranges. */
static bool is_plain(const uint8_t *s, size_t size)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80U    ? 1U
               : s[0] >= 0xf8U ? 9U
               : s[0] >= 0xf0U ? 4U
               : s[0] >= 0xe0U ? 3U
               : s[0] >= 0xc0U ? 2U
                               : 9U;
    uint32_t code = n == 1U ? s[0] : s[0] & (0x7fU >> n);

    if (n != size) {
        return false;
    }
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0U) != 0x80U) {
            return false;
        }
        code = code << 6 | (s[i] & 0x3fU);
    }
    return code >= least[n] && code <= 0x10ffffU && (code < 0xd800U || code > 0xdfffU) && code >= 0x20U &&
           (code < 0x7fU || code > 0x9fU);
}

static void of_utf_8_only_what_is_well_formed_and_no_control_is_shown(void **state)
{
    struct bench *b = (struct bench *)*state;
    unsigned shown = 0;

    for (unsigned pair = 0; pair < 0x10000U; pair++) {
        uint8_t bytes[4] = {(uint8_t)(pair >> 8), (uint8_t)pair, 0x80, 0xbf};
        size_t size = bytes[0] >= 0xf0U ? 4U : bytes[0] >= 0xe0U ? 3U : bytes[0] >= 0x80U ? 2U : 1U;
        char expected[32];
        bool is_whole = is_plain(bytes, size);

        if (bytes[0] < 0x20U || (size > 1U && (bytes[1] & 0xc0U) != 0x80U) || bytes[0] == 0x7fU) {
            continue; /* controls and broken-off ones: other tests */
        }
        b->terminal.row = 0;
        (void)take(b);
        for (size_t i = 0; i < size; i++) {
            hv_console_output(&b->console, 1, bytes[i]);
        }
        hv_console_output(&b->console, 1, '\n');
        (void)snprintf(expected, sizeof(expected), "[bare] %.*s\r\n", (int)size,
                       is_whole ? (char *)bytes : "????");
        assert_string_equal(take(b), expected);
        shown += is_whole ? 1U : 0U;
    }
    assert_true(shown > 2000U);
}

static void a_character_that_lacks_its_end_does_not_find_it_in_an_older_line(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 1, "xxx\xac\nx\xe2\x82\n");
    EXPECT_ROWS(b, "[bare] xxx?", "[bare] x??", "");
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
            assert_true(hv_console_log_line(&b->console, "true"));
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

        if (i % 512U == 0U) {
            (void)hv_console_output(&b->console, b->console.focus, 0x1b);
            (void)hv_console_output(&b->console, b->console.focus, ']');
        }
        if ((random & 7U) < 5U) {
            bool is_text = (i / 512U) % 2U == 0U || (random >> 20) % 16U != 0U;
            hv_console_output(&b->console, slot,
                              is_text ? (uint8_t)('!' + (random >> 24) % 90U)
                                      : (uint8_t)("\x1b]\n\r\b["[(random >> 24) % 6U]));
        } else if ((random & 7U) < 7U) {
            b->room[slot] = (random >> 16) % 64U == 0U ? 100U : 0U;
            (void)hv_console_input(&b->console,
                                   (random >> 24) % 2048U == 0U ? 0x1d : (uint8_t)(random >> 40));
            if ((random >> 30) % 16U == 0U) {
                assert_int_equal(hv_console_attach(&b->console, HV_CONSOLE_ALL), ASH_OK);
            }
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
        assert_true(b->console.view == b->console.focus || b->console.view == HV_CONSOLE_ALL);
    }
    assert_true(held > 0U);
    assert_true(passing > 0U);
    assert_true(full > 0U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_query_of_the_vm_with_the_focus_reaches_the_terminal_once, two_vms),
        cmocka_unit_test_setup(sequences_of_the_vm_with_the_focus_pass_unchanged_and_in_one_piece, one_vm),
        cmocka_unit_test_setup(a_string_longer_than_the_hold_passes_whole, two_vms),
        cmocka_unit_test_setup(a_line_in_the_middle_of_a_long_string_is_not_swallowed_by_it, two_vms),
        cmocka_unit_test_setup(a_string_without_an_end_silences_nobody, two_vms),
        cmocka_unit_test_setup(a_sequence_broken_off_by_a_control_character_is_dropped, two_vms),
        cmocka_unit_test_setup(the_prefix_comes_before_a_sequence_that_begins_a_line, two_vms),
        cmocka_unit_test_setup(a_vm_that_starts_again_is_in_no_sequence, two_vms),
        cmocka_unit_test_setup(a_byte_that_belongs_to_no_sequence_drops_it, one_vm),
        cmocka_unit_test_setup(a_sequence_that_begins_under_one_focus_does_not_end_under_another, two_vms),
        cmocka_unit_test_setup(no_trick_of_another_vm_forges_a_line_of_hv, two_vms),
        cmocka_unit_test_setup(nor_does_plain_text_of_the_vm_with_the_focus, two_vms),
        cmocka_unit_test_setup(of_utf_8_only_what_is_well_formed_and_no_control_is_shown, two_vms),
        cmocka_unit_test_setup(a_character_that_lacks_its_end_does_not_find_it_in_an_older_line, two_vms),
        cmocka_unit_test_setup(other_vms_reach_the_terminal_with_plain_text_only, three_vms),
        cmocka_unit_test_setup(random_output_and_typing_never_break_an_invariant, three_vms),
    };

    return cmocka_run_group_tests_name("console_escape", tests, NULL, NULL);
}
