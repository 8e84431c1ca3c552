/* SPDX-License-Identifier: BSD-2-Clause */
/* A terminal as a model: what a user sees of a stream of bytes. ECMA-48 as far as hostile guests need it. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#define TERMINAL_COLUMNS 400U
#define TERMINAL_ROWS    4096U

struct terminal {
    char cell[TERMINAL_ROWS][TERMINAL_COLUMNS + 1U]; /* NUL: nothing was ever written there */
    unsigned row;
    unsigned column;
    unsigned rows; /* highest row reached, plus 1 */
    unsigned state;
    unsigned parameter;
    unsigned queries; /* ESC [ 6 n received whole */
    unsigned torn;    /* control characters in the middle of a sequence */
    unsigned strange; /* anything in a sequence that it does not know */
};

void terminal_init(struct terminal *terminal);
void terminal_write(struct terminal *terminal, const char *bytes, size_t size);

/** Row @row as text; "" if it was never reached. */
const char *terminal_row(const struct terminal *terminal, unsigned row);

#endif
