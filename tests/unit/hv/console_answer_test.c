/* SPDX-License-Identifier: BSD-2-Clause */
/* An answer of the shell's and what hv has to say meanwhile. */
#include <stdio.h>

#include "console_bench.h"

static int at_the_shell(void **state)
{
    struct bench *b = start(state, 1);

    assert_int_equal(hv_console_add(&b->console, HV_CONSOLE_SHELL, "shell", b->ring[16], RING_SIZE), ASH_OK);
    assert_int_equal(hv_console_attach(&b->console, HV_CONSOLE_SHELL), ASH_OK);
    (void)take(b);
    return 0;
}

static void drain(struct bench *b)
{
    while (hv_console_drain(&b->console)) {
    }
}

static void log_line(struct bench *b, const char *line)
{
    assert_true(hv_console_log_line(&b->console, line));
}

static void an_answer_is_in_one_piece_and_hvs_lines_come_behind_it(void **state)
{
    struct bench *b = (struct bench *)*state;

    log_line(b, "before");
    hv_console_answer(&b->console, true);
    say(b, HV_CONSOLE_SHELL, "[{\"a\": 1}");
    log_line(b, "one");
    log_line(b, "two\nthree");
    say(b, HV_CONSOLE_SHELL, ",\r\n {\"b\": 2}]\r\n> ");
    assert_string_equal(take(b), "ashlar: before\r\n[{\"a\": 1},\r\n {\"b\": 2}]\r\n> ");
    hv_console_answer(&b->console, false);
    log_line(b, "four");
    EXPECT_ROWS(b, "ashlar: console: hv's shell; Ctrl-] and a digit leaves it, help helps", "ashlar: before",
                "[{\"a\": 1},", " {\"b\": 2}]", "> ", "ashlar: one", "ashlar: two", "ashlar: three", "> ",
                "ashlar: four", "> ");
}

static void on_a_slow_terminal_they_come_behind_what_it_has_not_shown_yet(void **state)
{
    struct bench *b = (struct bench *)*state;

    b->takes = 0;
    hv_console_answer(&b->console, true);
    say(b, HV_CONSOLE_SHELL, "first\r\nsecond\r\n");
    hv_console_answer(&b->console, false);
    log_line(b, "a line");
    say(b, HV_CONSOLE_SHELL, "> ");
    assert_true(hv_console_is_pending(&b->console));
    for (unsigned i = 0; i < 100U && hv_console_is_pending(&b->console); i++) {
        b->takes = 7;
        (void)hv_console_drain(&b->console);
    }
    assert_false(hv_console_is_pending(&b->console));
    b->takes = SIZE_MAX;
    assert_null(strstr(take(b), "ashlar: first"));
    EXPECT_ROWS(b, "ashlar: console: hv's shell; Ctrl-] and a digit leaves it, help helps", "first", "second",
                "> ", "ashlar: a line", "> ");
}

static void who_leaves_the_shell_does_not_wait_for_its_answer(void **state)
{
    struct bench *b = (struct bench *)*state;

    hv_console_answer(&b->console, true);
    say(b, HV_CONSOLE_SHELL, "first\r\n");
    log_line(b, "held");
    type(b, "\x1d"
            "1");
    log_line(b, "not held");
    drain(b);
    assert_non_null(strstr(take(b), "ashlar: console: VM 1, linux\r\nashlar: held\r\nashlar: not held\r\n"));
    assert_false(hv_console_is_pending(&b->console));
}

static void where_nobody_is_at_the_shell_nothing_is_held(void **state)
{
    struct bench *b = (struct bench *)*state;

    type(b, "\x1d"
            "a");
    (void)take(b);
    hv_console_answer(&b->console, true);
    log_line(b, "at once");
    assert_string_equal(take(b), "ashlar: at once\r\n");
}

static void of_more_lines_than_may_wait_none_is_lost(void **state)
{
    struct bench *b = (struct bench *)*state;
    const char *at;
    const char *all;
    unsigned i = 0;

    hv_console_answer(&b->console, true);
    say(b, HV_CONSOLE_SHELL, "[");
    for (; i * 10U < HV_CONSOLE_HELD * 2U; i++) {
        char line[16];

        (void)snprintf(line, sizeof(line), "line %04u", i);
        log_line(b, line);
    }
    hv_console_answer(&b->console, false);
    drain(b);
    all = take(b);
    at = all;
    for (unsigned n = 0; n < i; n++) {
        char line[32];

        (void)snprintf(line, sizeof(line), "ashlar: line %04u\r\n", n);
        at = strstr(at, line);
        assert_non_null(at);
    }
    assert_null(strstr(at + 1, "ashlar: "));
}

static void the_last_line_of_all_waits_for_no_answer(void **state)
{
    struct bench *b = (struct bench *)*state;

    hv_console_answer(&b->console, true);
    say(b, HV_CONSOLE_SHELL, "half an answer");
    log_line(b, "held");
    assert_true(hv_console_close(&b->console, "exit"));
    assert_non_null(strstr(take(b), "ashlar: held\r\n"));
    EXPECT_ROWS(b, "ashlar: console: hv's shell; Ctrl-] and a digit leaves it, help helps", "half an answer",
                "ashlar: held", "half an answer", "ashlar: exit", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_answer_is_in_one_piece_and_hvs_lines_come_behind_it, at_the_shell),
        cmocka_unit_test_setup(on_a_slow_terminal_they_come_behind_what_it_has_not_shown_yet, at_the_shell),
        cmocka_unit_test_setup(who_leaves_the_shell_does_not_wait_for_its_answer, at_the_shell),
        cmocka_unit_test_setup(where_nobody_is_at_the_shell_nothing_is_held, at_the_shell),
        cmocka_unit_test_setup(of_more_lines_than_may_wait_none_is_lost, at_the_shell),
        cmocka_unit_test_setup(the_last_line_of_all_waits_for_no_answer, at_the_shell),
    };

    return cmocka_run_group_tests_name("console_answer", tests, NULL, NULL);
}
