/* SPDX-License-Identifier: BSD-2-Clause */
/* The line editor: what is typed, and what the screen then shows. */
#include <string.h>

#include <libbase/compiler.h>

#include "core/editor.h"
#include "terminal.h"
#include "testkit/cmocka.h"
#include "testkit/seed.h"

static struct hv_editor editor;
static struct terminal screen;
static char echo[HV_EDITOR_ECHO];

static int set_up(void **state)
{
    (void)state;
    memset(&editor, 0xa5, sizeof(editor));
    hv_editor_init(&editor, "> ");
    terminal_init(&screen);
    hv_editor_draw(&editor, echo);
    terminal_write(&screen, echo, strlen(echo));
    return 0;
}

static enum hv_editor_event press(uint8_t key)
{
    enum hv_editor_event event;

    memset(echo, 'x', sizeof(echo));
    event = hv_editor_key(&editor, key, echo);
    assert_non_null(memchr(echo, '\0', sizeof(echo)));
    terminal_write(&screen, echo, strlen(echo));
    return event;
}

static void type(const char *keys)
{
    for (; *keys != '\0'; keys++) {
        assert_int_equal(press((uint8_t)*keys), HV_EDITOR_NOTHING);
    }
}

static void assert_line(const char *line, unsigned cursor)
{
    char shown[TERMINAL_COLUMNS];

    assert_string_equal(editor.line, line);
    assert_int_equal(editor.length, strlen(line));
    assert_int_equal(editor.cursor, cursor);
    (void)strcpy(shown, "> ");
    (void)strcat(shown, line);
    assert_int_equal(strncmp(terminal_row(&screen, screen.row), shown, strlen(shown)), 0);
    assert_int_equal(screen.column, cursor + 2U);
}

static enum hv_editor_event enter(void)
{
    enum hv_editor_event event = press('\r');

    hv_editor_accept(&editor);
    hv_editor_draw(&editor, echo);
    terminal_write(&screen, echo, strlen(echo));
    return event;
}

static void keys_move_insert_and_cut(void **state)
{
    static const struct {
        const char *keys;
        const char *line;
        unsigned cursor;
    } cases[] = {
        {"abc", "abc", 3},
        {"abc\x1b[Dx", "abxc", 3},
        {"abc\x1b[D\x1b[D\x1b[D\x1b[Dx", "xabc", 1},
        {"abc\x1b[D\x1b[C\x1b[Cx", "abcx", 4},
        {"abc\x1b[Hx", "xabc", 1},
        {"abc\x1bOHx\x1bOFy", "xabcy", 5},
        {"abc\x1b[1~x\x1b[4~y", "xabcy", 5},
        {"abc\x1b[7~x\x1b[8~y", "xabcy", 5},
        {"abc\x01x\x05y", "xabcy", 5},
        {"abc\x02\x02x\x06y",
         "axby"
         "c",
         4},
        {"abc\x7f", "ab", 2},
        {"abc\b\b\b\b", "", 0},
        {"abc\x1b[D\x1b[3~", "ab", 2},
        {"abc\x1b[3~", "abc", 3},
        {"abc\x1b[D\x1b[D\x04", "ac", 1},
        {"one two\x17", "one ", 4},
        {"one two  \x17", "one ", 4},
        {"one two\x1b[D\x17", "one o", 4},
        {"one two\x1b[D\x15", "o", 0},
        {"one two\x01\x0b", "", 0},
        {"ab\x1b[D\x0b", "a", 1},
        {"a\x1b[2~b\x1b[99~c\x1b[Zd\x1bxe\x1bO5Af\xff\x80g", "abcdefg", 7},
        {"a\x1b[11;22Hb", "ba", 1},
    };

    (void)state;
    for (size_t i = 0; i < ASH_ARRAY_SIZE(cases); i++) {
        (void)set_up(state);
        type(cases[i].keys);
        assert_line(cases[i].line, cases[i].cursor);
        assert_int_equal(screen.torn + screen.strange, 0);
    }
}

static void enter_is_one_event_whatever_ends_the_line(void **state)
{
    (void)state;
    type("a");
    assert_int_equal(press('\r'), HV_EDITOR_ENTER);
    assert_int_equal(press('\n'), HV_EDITOR_NOTHING);
    assert_int_equal(press('\n'), HV_EDITOR_ENTER);
    assert_int_equal(press('\r'), HV_EDITOR_ENTER);
    assert_int_equal(press('\t'), HV_EDITOR_COMPLETE);
    assert_int_equal(press(0x03), HV_EDITOR_CANCEL);
    assert_string_equal(editor.line, "");
}

static void the_history_goes_back_and_forth(void **state)
{
    (void)state;
    type("one");
    assert_int_equal(enter(), HV_EDITOR_ENTER);
    type("two");
    (void)enter();
    (void)enter(); /* an empty one is not kept */
    type("two");
    (void)enter(); /* nor the same again */
    type("thr");
    type("\x1b[A");
    assert_line("two", 3);
    type("\x10");
    assert_line("one", 3);
    type("\x1b[A");
    assert_line("one", 3); /* there is none before */
    type("!\x1b[B");
    assert_line("two", 3);
    type("\x0e");
    assert_line("thr", 3); /* as it was typed */
    type("\x1b[B");
    assert_line("thr", 3);
    type("\x1b[A\x1b[A");
    (void)enter();
    type("\x1b[A");
    assert_line("one", 3);
}

static void a_full_history_forgets_the_oldest(void **state)
{
    char line[4] = "l00";

    (void)state;
    for (unsigned i = 0; i < 3U * HV_EDITOR_HISTORY; i++) {
        line[1] = (char)('0' + i / 10U);
        line[2] = (char)('0' + i % 10U);
        type(line);
        (void)enter();
    }
    for (unsigned i = 0; i < 2U * HV_EDITOR_HISTORY; i++) {
        type("\x1b[A");
    }
    assert_line("l32", 3);
}

static void a_line_has_a_longest(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2U * HV_EDITOR_LINE; i++) {
        assert_int_equal(press((uint8_t)('a' + i % 26U)), HV_EDITOR_NOTHING);
    }
    assert_int_equal(editor.length, HV_EDITOR_LINE - 1U);
    assert_int_equal(screen.row, 0); /* and never wraps */
    assert_in_range(screen.column, 0, HV_EDITOR_WINDOW + 2U);
    type("\x01");
    assert_int_equal(screen.column, 2);
    hv_editor_insert(&editor, "more");
    assert_int_equal(editor.length, HV_EDITOR_LINE - 1U);
}

static void random_keys_never_break_an_invariant(void **state)
{
    static const char keys[] =
        "abc \x1b\x1b\x1b[[[OABCDHF~0123478;\r\n\t\x03\x01\x02\x04\x05\x06\x0b\x10\x0e\x15\x17\b\x7f";
    struct test_rng rng;
    unsigned longest = 0;

    (void)state;
    (void)test_rng_init(&rng, "editor");
    for (unsigned i = 0; i < 300000U; i++) {
        uint8_t key = test_rng_below(&rng, 16) == 0U ? (uint8_t)test_rng_next(&rng)
                                                     : (uint8_t)keys[test_rng_below(&rng, sizeof(keys) - 1U)];

        memset(echo, 'x', sizeof(echo));
        if (hv_editor_key(&editor, i % 4096U < 2048U && key < 0x20U ? 'x' : key, echo) == HV_EDITOR_ENTER) {
            hv_editor_accept(&editor);
        }
        assert_non_null(memchr(echo, '\0', sizeof(echo)));
        assert_true(editor.cursor <= editor.length && editor.length < HV_EDITOR_LINE);
        assert_int_equal(strlen(editor.line), editor.length);
        assert_true(editor.back <= HV_EDITOR_HISTORY && editor.back <= editor.lines);
        for (unsigned n = 0; n < editor.length; n++) {
            assert_in_range(editor.line[n], 0x20, 0x7e);
        }
        longest = editor.length > longest ? editor.length : longest;
    }
    assert_int_equal(longest, HV_EDITOR_LINE - 1U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys_move_insert_and_cut, set_up),
        cmocka_unit_test_setup(enter_is_one_event_whatever_ends_the_line, set_up),
        cmocka_unit_test_setup(the_history_goes_back_and_forth, set_up),
        cmocka_unit_test_setup(a_full_history_forgets_the_oldest, set_up),
        cmocka_unit_test_setup(a_line_has_a_longest, set_up),
        cmocka_unit_test_setup(random_keys_never_break_an_invariant, set_up),
    };

    return cmocka_run_group_tests_name("editor", tests, NULL, NULL);
}
