/* SPDX-License-Identifier: BSD-2-Clause */
/** A line being typed: printable ASCII, the keys of a terminal (ECMA-48 and VT220 sequences for arrows, home, end,
 *  delete), a history. Lock domain: the editor. No HAL: what the screen is to show comes back as text. */
#ifndef HV_CORE_EDITOR_H
#define HV_CORE_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HV_EDITOR_LINE    128U /* bytes, NUL included */
#define HV_EDITOR_HISTORY 16U  /* lines */
#define HV_EDITOR_WINDOW  70U  /* characters of a longer line that are seen */
#define HV_EDITOR_ECHO    256U /* bytes that one key shows at most, NUL included */

enum hv_editor_event {
    HV_EDITOR_NOTHING,
    HV_EDITOR_ENTER,   /* the line is to be obeyed; hv_editor_accept() begins the next */
    HV_EDITOR_CANCEL,  /* Ctrl-C: the line is gone */
    HV_EDITOR_COMPLETE /* Tab */
};

/** Allocated by the caller; private, but for line and length. */
struct hv_editor {
    const char *prompt; /* at most 16 characters */
    char line[HV_EDITOR_LINE];
    uint16_t length;
    uint16_t cursor;
    uint8_t state;     /* of an escape sequence */
    uint8_t parameter; /* likewise */
    bool was_return;   /* the last key was CR: an LF behind it belongs to it */
    uint32_t lines;    /* ever entered */
    uint32_t back;     /* how far back in them the line shown is; 0: it is the one being typed */

    /* Written before it is read. */
    char typed[HV_EDITOR_LINE]; /* that one, while another is shown */
    char history[HV_EDITOR_HISTORY][HV_EDITOR_LINE];
};

/** An empty line, no history. prompt: outlives it. */
void hv_editor_init(struct hv_editor *editor, const char *prompt);

/** @key was typed. echo: for the screen, at least HV_EDITOR_ECHO bytes, terminated. Any byte is accepted; what means
 *  nothing does nothing. */
enum hv_editor_event hv_editor_key(struct hv_editor *editor, uint8_t key, char *echo);

/** The line has been obeyed: into the history (once if it is the same again, not if it is empty), and an empty one. */
void hv_editor_accept(struct hv_editor *editor);

/** Put @text in at the cursor, as if typed, as far as there is room. */
void hv_editor_insert(struct hv_editor *editor, const char *text);

/** The prompt and the line as they look, from the start of a line on; echo as above. */
void hv_editor_draw(const struct hv_editor *editor, char *echo);

#endif
