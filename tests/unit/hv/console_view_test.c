/* SPDX-License-Identifier: BSD-2-Clause */
/* Views, the rings behind them, and a terminal that is slow. */
#include <stdio.h>
#include <stdlib.h>

#include "console_bench.h"
#include "testkit/seed.h"

static void drain(struct bench *b)
{
    while (hv_console_drain(&b->console)) {
    }
}

static void attach(struct bench *b, uint32_t slot)
{
    assert_int_equal(hv_console_attach(&b->console, slot), ASH_OK);
    drain(b);
}

/* ---- Attached ---- */

static void attached_every_byte_passes_unchanged_and_at_once(void **state)
{
    struct bench *b = (struct bench *)*state;

    attach(b, 1);
    (void)take(b);
    for (unsigned n = 0; n < 3U; n++) {
        for (unsigned byte = 0; byte < 256U; byte++) {
            assert_true(hv_console_output(&b->console, 1, (uint8_t)byte));
            assert_int_equal(b->raw_size, 1);
            assert_int_equal((uint8_t)b->raw[0], byte);
            (void)take(b);
        }
    }
}

static void attached_sequences_and_strings_of_any_length_pass_unchanged(void **state)
{
    struct bench *b = (struct bench *)*state;
    struct test_rng rng;
    char said[8192];

    attach(b, 0);
    (void)take(b);
    (void)test_rng_init(&rng, "console_view");
    for (size_t i = 0; i < sizeof(said) - 1U; i++) {
        static const char alphabet[] = "\x1b\x1b[]P^_X\\\a;0123mHJK\r\n\b\t\x18\x1a"
                                       "abc";

        said[i] = test_rng_below(&rng, 300) == 0U ? (char)(1U + test_rng_below(&rng, 255))
                                                  : alphabet[test_rng_below(&rng, sizeof(alphabet) - 1U)];
    }
    said[sizeof(said) - 1U] = '\0';
    say(b, 0, said);
    assert_string_equal(take(b), said);
}

static void attached_the_others_are_not_seen_and_hv_is(void **state)
{
    struct bench *b = (struct bench *)*state;

    attach(b, 0);
    (void)take(b);
    say(b, 1, "one\ntwo\n");
    assert_string_equal(take(b), "");
    say(b, 0, "$ l");
    assert_true(hv_console_log_line(&b->console, "a line"));
    say(b, 0, "s");
    assert_string_equal(take(b), "$ l\r\nashlar: a line\r\n$ ls");
}

static void a_line_of_hv_ends_the_sequence_that_it_breaks_into(void **state)
{
    struct bench *b = (struct bench *)*state;

    attach(b, 0);
    (void)take(b);
    say(b, 0, "ab\x1b[3");
    assert_true(hv_console_log_line(&b->console, "a line"));
    say(b, 0, "1mcd");
    assert_string_equal(take(b), "ab\x1b[3\x18\r\nashlar: a line\r\nabcd");
    say(b, 0, "\x1b[1m");
    assert_string_equal(take(b), "\x1b[1m");
}

static void a_sequence_held_back_in_the_view_of_all_is_sent_to_who_attaches(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "x\x1b[3");
    assert_string_equal(take(b), "[linux] x");
    attach(b, 0);
    assert_string_equal(take(b), "\r\nashlar: console: VM 1, linux\r\nx\x1b[3");
    say(b, 0, "1m");
    assert_string_equal(take(b), "1m");
}

/* ---- Replay ---- */

static void what_was_missed_is_replayed_to_who_attaches(void **state)
{
    struct bench *b = (struct bench *)*state;

    attach(b, 0);
    say(b, 1, "\x1b[31mone\x1b[m\r\ntwo");
    (void)take(b);
    attach(b, 1);
    assert_string_equal(take(b), "ashlar: console: VM 2, bare\r\n\x1b[31mone\x1b[m\r\ntwo");
    attach(b, 0);
    attach(b, 1);
    EXPECT_ROWS(b, "ashlar: console: VM 1, linux", "ashlar: console: VM 2, bare", "one", "two",
                "ashlar: console: VM 1, linux", "ashlar: console: VM 2, bare", "two");
}

static void what_was_missed_of_all_is_replayed_by_lines(void **state)
{
    struct bench *b = (struct bench *)*state;

    attach(b, 0);
    for (unsigned i = 0; i < 3U; i++) {
        say(b, 1, "bare\n");
        say(b, 2, "third\n");
    }
    (void)take(b);
    attach(b, HV_CONSOLE_ALL);
    assert_string_equal(take(b), "ashlar: console: all\r\n"
                                 "[bare] bare\r\n[third] third\r\n[bare] bare\r\n[third] third\r\n"
                                 "[bare] bare\r\n[third] third\r\n");
}

static void of_more_than_the_ring_holds_the_oldest_is_gone_and_said_to_be(void **state)
{
    struct bench *b = (struct bench *)*state;
    char line[80];
    const char *shown;
    unsigned number;

    attach(b, 0);
    for (unsigned i = 0; i < 1000U; i++) {
        (void)snprintf(line, sizeof(line), "line %u.\n", i);
        say(b, 1, line);
    }
    (void)take(b);
    attach(b, 1);
    shown = take(b);
    assert_non_null(strstr(shown, "ashlar: console: bare: the oldest "));
    assert_non_null(strstr(shown, "line 999.\n"));
    shown = strstr(shown, "are gone\r\n") + 10;
    assert_int_equal(strncmp(shown, "line ", 5), 0); /* a whole one */
    number = (unsigned)strtoul(shown + 5, NULL, 10);
    for (; number < 1000U; number++) {
        int length = snprintf(line, sizeof(line), "line %u.\n", number);
        assert_int_equal(strncmp(shown, line, (size_t)length), 0);
        shown += length;
    }
    assert_string_equal(shown, "");
    attach(b, 0);
    (void)take(b);
    attach(b, 1);
    assert_null(strstr(take(b), "are gone")); /* said once */
}

static void a_ring_without_a_line_in_it_is_replayed_all_the_same(void **state)
{
    struct bench *b = (struct bench *)*state;

    attach(b, 0);
    for (unsigned i = 0; i < 3U * RING_SIZE; i++) {
        assert_true(hv_console_output(&b->console, 1, 'x'));
    }
    (void)take(b);
    attach(b, 1);
    assert_true(strlen(strstr(take(b), "are gone\r\n")) >= 10U + RING_SIZE - HV_CONSOLE_LINE);
}

static void who_is_not_looked_at_never_waits(void **state)
{
    struct bench *b = (struct bench *)*state;

    attach(b, 0);
    b->takes = 0;
    for (unsigned i = 0; i < 3U * RING_SIZE; i++) {
        assert_true(hv_console_output(&b->console, 1, 'x'));
    }
    assert_true(hv_console_has_room(&b->console, 1));
}

/* ---- A slow terminal ---- */

static void what_a_slow_terminal_shows_is_complete(void **state)
{
    struct bench *b = (struct bench *)*state;
    unsigned next[3] = {0, 0, 0};
    unsigned waits = 0;
    char expected[64];
    struct test_rng rng;

    (void)test_rng_init(&rng, "console_view");
    b->takes = 0;
    while (next[0] + next[1] + next[2] < 3000U) {
        uint32_t slot = (uint32_t)test_rng_below(&rng, 3);

        if (next[slot] < 1000U && hv_console_has_room(&b->console, slot)) {
            (void)snprintf(expected, sizeof(expected), "number %u\n", next[slot]++);
            for (const char *c = expected; *c != '\0'; c++) {
                waits += hv_console_output(&b->console, slot, (uint8_t)*c) ? 0U : 1U;
            }
        }
        if (test_rng_below(&rng, 4) == 0U) {
            b->takes = test_rng_below(&rng, 33);
            (void)hv_console_drain(&b->console);
        }
    }
    assert_true(waits > 0U);
    assert_true(b->wants_room);
    b->takes = SIZE_MAX;
    drain(b);
    assert_false(b->wants_room);
    assert_int_equal(hv_console_may_resume(&b->console) & ~7U, 0);
    memset(next, 0, sizeof(next));
    for (unsigned row = 0; row + 1U < b->terminal.rows; row++) {
        static const char *const names[] = {"linux", "bare", "third"};
        const char *text = terminal_row(&b->terminal, row);

        for (unsigned slot = 0; slot < 3U; slot++) {
            (void)snprintf(expected, sizeof(expected), "[%s] number %u", names[slot], next[slot]);
            next[slot] += strcmp(text, expected) == 0 ? 1U : 0U;
        }
    }
    for (unsigned slot = 0; slot < 3U; slot++) {
        assert_int_equal(next[slot], 1000);
        assert_int_equal(b->console.vm[slot].lost, 0);
    }
}

static void a_slot_that_floods_is_told_to_wait_and_the_others_are_not(void **state)
{
    struct bench *b = (struct bench *)*state;
    unsigned count = 0;

    b->takes = 0;
    while (hv_console_output(&b->console, 1, (uint8_t)("flood\n"[count % 6U]))) {
        count++;
        assert_true(count < 2U * RING_SIZE);
    }
    assert_false(hv_console_has_room(&b->console, 1));
    assert_int_equal(hv_console_may_resume(&b->console), 0);
    assert_true(hv_console_has_room(&b->console, 2));
    say(b, 2, "calm\n");
    assert_true(hv_console_log_line(&b->console, "hv too"));
    for (unsigned i = 0; i < HV_CONSOLE_SLACK; i++) { /* vCPUs that were on their way */
        (void)hv_console_output(&b->console, 1, 's');
    }
    assert_int_equal(b->console.vm[1].lost, 0);
    (void)hv_console_output(&b->console, 1, 's');
    assert_int_equal(b->console.vm[1].lost, 1);
    b->takes = 4U * RING_SIZE;
    drain(b);
    assert_int_equal(hv_console_may_resume(&b->console), 1U << 1);
    assert_true(hv_console_has_room(&b->console, 1));
    assert_int_equal(hv_console_may_resume(&b->console), 0);
}

static void a_line_of_hv_overtakes_a_flood(void **state)
{
    struct bench *b = (struct bench *)*state;
    size_t before;
    const char *shown;

    b->takes = 0;
    while (hv_console_output(&b->console, 1, 'f') && hv_console_output(&b->console, 1, '\n')) {
    }
    (void)hv_console_drain(&b->console);
    before = hv_ring_used(&b->console.out);
    assert_true(before > 0U);
    assert_true(hv_console_log_line(&b->console, "first"));
    b->takes = SIZE_MAX;
    drain(b);
    shown = take(b);
    assert_in_range(strstr(shown, "ashlar: first") - shown, 0, before + 16U);
}

static void lines_of_hv_that_find_no_room_are_not_torn(void **state)
{
    struct bench *b = (struct bench *)*state;
    unsigned said = 0;
    unsigned seen = 0;

    b->takes = 0;
    while (hv_console_log_line(&b->console, "0123456789 0123456789 0123456789")) {
        said++;
    }
    assert_in_range(said, 100, HV_CONSOLE_OUT / 32U);
    assert_int_equal(hv_console_attach(&b->console, 1), ASH_EBUSY);
    assert_int_equal(hv_console_input(&b->console, 0x1d), HV_CONSOLE_TAKEN);
    assert_int_equal(hv_console_input(&b->console, 'l'), HV_CONSOLE_BUSY);
    b->takes = SIZE_MAX;
    drain(b);
    for (const char *at = take(b); (at = strstr(at, "ashlar: 0123456789 0123456789 0123456789\r\n")) != NULL;
         at++) {
        seen++;
    }
    assert_int_equal(seen, said);
    assert_int_equal(hv_console_input(&b->console, 'l'),
                     HV_CONSOLE_TAKEN); /* the lead-in was not forgotten */
    assert_non_null(strstr(take(b), "VM 1, linux (has the keyboard)"));
}

static void a_step_is_bounded_whatever_waits(void **state)
{
    struct bench *b = (struct bench *)*state;
    unsigned steps = 1;

    attach(b, 0);
    for (unsigned i = 0; i < RING_SIZE; i++) {
        (void)hv_console_output(&b->console, 1, 0); /* of another one nothing is shown */
        (void)hv_console_output(&b->console, 2, 0);
    }
    assert_int_equal(hv_console_attach(&b->console, HV_CONSOLE_ALL), ASH_OK);
    (void)take(b);
    for (; hv_console_drain(&b->console); steps++) {
    }
    assert_int_equal(steps, 2U * RING_SIZE / HV_CONSOLE_STEP);
    assert_int_equal(b->raw_size, 0);
}

/* ---- Slots that come and go ---- */

static void the_last_words_of_one_that_ends_come_behind_what_waits(void **state)
{
    struct bench *b = (struct bench *)*state;

    b->takes = 0;
    say(b, 1, "one\ntw\x1b[3");
    hv_console_vm_ended(&b->console, 1);
    say(b, 1, "again\n");
    b->takes = SIZE_MAX;
    drain(b);
    assert_string_equal(take(b), "[bare] one\r\n[bare] tw\r\n[bare] again\r\n");
}

static void a_slot_can_be_left_and_taken_again(void **state)
{
    struct bench *b = (struct bench *)*state;

    attach(b, 1);
    say(b, 1, "last words");
    (void)take(b);
    assert_ptr_equal(hv_console_remove(&b->console, 1), b->ring[1]);
    assert_string_equal(take(b), "\r\n");
    assert_int_equal(b->console.view, HV_CONSOLE_ALL);
    assert_int_equal(b->console.focus, 0);
    assert_null(hv_console_remove(&b->console, 1));
    assert_int_equal(hv_console_attach(&b->console, 1), ASH_ENOENT);
    say(b, 1, "nobody\n");
    assert_string_equal(take(b), "");
    assert_int_equal(hv_console_add(&b->console, 1, "anew", b->ring[1], RING_SIZE), ASH_OK);
    say(b, 1, "hello\n");
    assert_string_equal(take(b), "[anew] hello\r\n");
}

static void the_shell_is_the_front_where_there_is_no_vm(void **state)
{
    struct bench *b = start(state, 0);

    assert_int_equal(hv_console_add(&b->console, HV_CONSOLE_SHELL, "shell", b->ring[16], RING_SIZE), ASH_OK);
    type(b, "vm");
    assert_int_equal(hv_console_take_input(&b->console, HV_CONSOLE_SHELL), 'v');
    assert_int_equal(hv_console_take_input(&b->console, HV_CONSOLE_SHELL), 'm');
    assert_int_equal(hv_console_take_input(&b->console, HV_CONSOLE_SHELL), -1);
    say(b, HV_CONSOLE_SHELL, "> ");
    assert_int_equal(hv_console_add(&b->console, 0, "linux", b->ring[0], RING_SIZE), ASH_OK);
    assert_int_equal(hv_console_add(&b->console, 1, "bare", b->ring[1], RING_SIZE), ASH_OK);
    type(b, "x");
    assert_int_equal(b->input_size[0], 1);
    type(b, "\x1d"
            "0y");
    assert_int_equal(hv_console_take_input(&b->console, HV_CONSOLE_SHELL), 'y');
    attach(b, HV_CONSOLE_ALL);
    (void)take(b);
    say(b, 1, "beat\n");
    say(b, HV_CONSOLE_SHELL, "list\r\n");
    assert_string_equal(take(b), "\r\n[bare] beat\r\n> list\r\n"); /* no prefix */
}

static void behind_the_last_line_nobody_says_anything(void **state)
{
    struct bench *b = (struct bench *)*state;

    say(b, 0, "$ unfinished");
    b->takes = 0;
    while (hv_console_log_line(&b->console, "much")) {
    }
    assert_false(hv_console_close(&b->console, "exit"));
    b->takes = SIZE_MAX;
    drain(b);
    (void)take(b);
    assert_true(hv_console_close(&b->console, "exit"));
    say(b, 0, "more\n");
    say(b, 1, "more\n");
    assert_true(hv_console_log_line(&b->console, "more"));
    type(b, "x\x1d"
            "l\x1d"
            "1\x1d"
            "a");
    assert_string_equal(strstr(take(b), "\r\nashlar: exit"), "\r\nashlar: exit\r\n");
    assert_null(hv_console_remove(&b->console, 0));
}

/* ---- The lead-in ---- */

static void another_lead_in_leaves_the_usual_one_to_the_vm(void **state)
{
    struct bench *b = (struct bench *)*state;

    hv_console_set_lead_in(&b->console, '?');
    type(b, "a\x1d"
            "1?"
            "2b?"
            "?c?l");
    assert_int_equal(b->input_size[0], 3);
    assert_memory_equal(b->input[0],
                        "a\x1d"
                        "1",
                        3);
    assert_int_equal(b->input_size[1], 3);
    assert_memory_equal(b->input[1], "b?c", 3);
    (void)take(b);
    type(b, "?h");
    assert_non_null(strstr(take(b), "console: ? then 1..9: that VM;"));
}

static void what_was_lost_meanwhile_is_told_when_all_are_seen_again(void **state)
{
    struct bench *b = (struct bench *)*state;
    char lines[RING_SIZE * 2U + 1U];

    memset(lines, '.', sizeof(lines) - 1U);
    for (size_t i = 9; i < sizeof(lines) - 1U; i += 10U) {
        lines[i] = '\n';
    }
    lines[sizeof(lines) - 1U] = '\0';
    attach(b, 0);
    say(b, 1, lines);
    (void)take(b);
    assert_int_equal(hv_console_input(&b->console, 0x1d), HV_CONSOLE_TAKEN);
    assert_int_equal(hv_console_input(&b->console, 'a'), HV_CONSOLE_TAKEN);
    drain(b);
    assert_non_null(
        strstr(take(b), "ashlar: console: bare: the oldest 4096 bytes of what it said meanwhile"));
}

static void a_slot_that_goes_takes_its_waiting_with_it(void **state)
{
    struct bench *b = (struct bench *)*state;

    b->takes = 0;
    while (hv_console_output(&b->console, 1, '\n')) {
    }
    assert_false(hv_console_has_room(&b->console, 1));
    assert_int_equal(b->console.waiting, 1U << 1);
    b->takes = SIZE_MAX;
    assert_ptr_equal(hv_console_remove(&b->console, 1), b->ring[1]);
    assert_int_equal(hv_console_add(&b->console, 1, "new", b->ring[1], RING_SIZE), ASH_OK);
    drain(b);
    assert_int_equal(hv_console_may_resume(&b->console), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_lost_meanwhile_is_told_when_all_are_seen_again, two_vms),
        cmocka_unit_test_setup(a_slot_that_goes_takes_its_waiting_with_it, two_vms),
        cmocka_unit_test_setup(attached_every_byte_passes_unchanged_and_at_once, two_vms),
        cmocka_unit_test_setup(attached_sequences_and_strings_of_any_length_pass_unchanged, two_vms),
        cmocka_unit_test_setup(attached_the_others_are_not_seen_and_hv_is, two_vms),
        cmocka_unit_test_setup(a_line_of_hv_ends_the_sequence_that_it_breaks_into, two_vms),
        cmocka_unit_test_setup(a_sequence_held_back_in_the_view_of_all_is_sent_to_who_attaches, two_vms),
        cmocka_unit_test_setup(what_was_missed_is_replayed_to_who_attaches, two_vms),
        cmocka_unit_test_setup(what_was_missed_of_all_is_replayed_by_lines, three_vms),
        cmocka_unit_test_setup(of_more_than_the_ring_holds_the_oldest_is_gone_and_said_to_be, two_vms),
        cmocka_unit_test_setup(a_ring_without_a_line_in_it_is_replayed_all_the_same, two_vms),
        cmocka_unit_test_setup(who_is_not_looked_at_never_waits, two_vms),
        cmocka_unit_test_setup(what_a_slow_terminal_shows_is_complete, three_vms),
        cmocka_unit_test_setup(a_slot_that_floods_is_told_to_wait_and_the_others_are_not, three_vms),
        cmocka_unit_test_setup(a_line_of_hv_overtakes_a_flood, two_vms),
        cmocka_unit_test_setup(lines_of_hv_that_find_no_room_are_not_torn, two_vms),
        cmocka_unit_test_setup(a_step_is_bounded_whatever_waits, three_vms),
        cmocka_unit_test_setup(the_last_words_of_one_that_ends_come_behind_what_waits, two_vms),
        cmocka_unit_test_setup(a_slot_can_be_left_and_taken_again, two_vms),
        cmocka_unit_test_setup(the_shell_is_the_front_where_there_is_no_vm, one_vm),
        cmocka_unit_test_setup(behind_the_last_line_nobody_says_anything, two_vms),
        cmocka_unit_test_setup(another_lead_in_leaves_the_usual_one_to_the_vm, two_vms),
    };

    return cmocka_run_group_tests_name("console_view", tests, NULL, NULL);
}
