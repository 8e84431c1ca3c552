/* SPDX-License-Identifier: BSD-2-Clause */
#include "terminal.h"

#include <string.h>

#include "testkit/cmocka.h"

enum { TEXT, AFTER_ESC, IN_CSI, IN_STRING, STRING_ESC };

void terminal_init(struct terminal *terminal)
{
    memset(terminal, 0, sizeof(*terminal));
    terminal->rows = 1;
}

static void move_to(struct terminal *t, unsigned row, unsigned column)
{
    assert_true(row < TERMINAL_ROWS);
    t->row = row;
    t->column = column < TERMINAL_COLUMNS ? column : TERMINAL_COLUMNS - 1U;
    t->rows = row >= t->rows ? row + 1U : t->rows;
}

static void show(struct terminal *t, char c)
{
    char *row = t->cell[t->row];

    for (unsigned i = 0; i < t->column; i++) {
        row[i] = row[i] == '\0' ? ' ' : row[i];
    }
    row[t->column] = c;
    move_to(t, t->row, t->column + 1U);
}

/** True: it was a control character, and has been obeyed. Terminals obey them inside sequences too. */
static bool control(struct terminal *t, unsigned char c)
{
    switch (c) {
    case '\r':
        move_to(t, t->row, 0);
        return true;
    case '\n':
    case '\v':
    case '\f':
        move_to(t, t->row + 1U, t->column);
        return true;
    case '\b':
        move_to(t, t->row, t->column > 0U ? t->column - 1U : 0U);
        return true;
    case '\t':
        do {
            show(t, ' ');
        } while (t->column % 8U != 0U);
        return true;
    case 0x18:
    case 0x1a:
        t->state = TEXT;
        return true;
    case 0x1b:
        t->state = t->state == IN_STRING ? STRING_ESC : AFTER_ESC;
        t->parameter = 0;
        return true;
    default:
        return c < 0x20U || c == 0x7fU;
    }
}

static void finish_csi(struct terminal *t, char final)
{
    unsigned n = t->parameter > 0U ? t->parameter : 1U;

    t->state = TEXT;
    if (final == 'A') {
        move_to(t, t->row > n ? t->row - n : 0U, t->column);
    } else if (final == 'B') {
        move_to(t, t->row + (n < 50U ? n : 50U), t->column);
    } else if (final == 'C') {
        move_to(t, t->row, t->column + n);
    } else if (final == 'D') {
        move_to(t, t->row, t->column > n ? t->column - n : 0U);
    } else if (final == 'H') {
        move_to(t, t->row, 0);
    } else if (final == 'J' || final == 'K') {
        memset(&t->cell[t->row][t->column], 0, TERMINAL_COLUMNS - t->column);
    } else if (final == 'n') {
        t->queries += t->parameter == 6U ? 1U : 0U;
    } else if (final != 'm') {
        t->strange++;
    }
}

static void in_sequence(struct terminal *t, unsigned char c)
{
    if (t->state == IN_STRING || t->state == STRING_ESC) {
        t->state = c == '\a' || (t->state == STRING_ESC && c == '\\') ? TEXT : IN_STRING;
    } else if (t->state == AFTER_ESC) {
        t->state = c == '[' ? IN_CSI : (strchr("]PX^_", c) != NULL && c != 0U) ? IN_STRING : TEXT;
        if (t->state == TEXT && (c == 'D' || c == 'E')) {
            move_to(t, t->row + 1U, c == 'E' ? 0U : t->column);
        }
    } else if (c >= '0' && c <= '9') {
        t->parameter = t->parameter < 1000U ? t->parameter * 10U + (unsigned)(c - '0') : 1000U;
    } else if (c >= 0x40U) {
        finish_csi(t, (char)c);
    }
}

void terminal_write(struct terminal *t, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        unsigned before = t->state;

        if (c == '\a' && (before == IN_STRING || before == STRING_ESC)) {
            in_sequence(t, c);
        } else if (control(t, c)) {
            t->torn += before != TEXT && before != IN_STRING && c != 0x18U ? 1U : 0U;
            t->torn += before == IN_STRING && (c == '\r' || c == '\n') ? 1U : 0U;
        } else if (t->state != TEXT) {
            in_sequence(t, c);
        } else {
            show(t, (char)c);
        }
    }
}

const char *terminal_row(const struct terminal *terminal, unsigned row)
{
    return row < TERMINAL_ROWS ? terminal->cell[row] : "";
}
