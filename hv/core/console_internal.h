/* SPDX-License-Identifier: BSD-2-Clause */
/** Between console.c (rings), console_keys.c (views, keys, input) and console_line.c (lines, and what is on the
 *  screen). */
#ifndef HV_CORE_CONSOLE_INTERNAL_H
#define HV_CORE_CONSOLE_INTERNAL_H

#include "core/console.h"

/* What one byte of a slot, or one line of @size bytes of hv's, puts on the terminal at most: the end of the unfinished
 * line, a prefix and the line itself, and the unfinished line again with the cursor's way back. */
#define HV_CONSOLE_BYTE_MOST       (5U * HV_CONSOLE_LINE)
#define HV_CONSOLE_LINE_MOST(size) ((size) + HV_CONSOLE_BYTE_MOST)

/** The slot's bytes as they are. */
static inline bool hv_console_is_raw_(const struct hv_console *console)
{
    return console->view != HV_CONSOLE_ALL;
}

static inline struct hv_console_vm *hv_console_front_(struct hv_console *console)
{
    return &console->vm[console->focus]; /* an empty one while there is no VM: it never begins a line */
}

/** NULL: nobody is in it. */
static inline struct hv_console_vm *hv_console_find_(struct hv_console *console, uint32_t slot)
{
    return slot < HV_CONSOLE_SLOTS && console->vm[slot].name[0] != '\0' ? &console->vm[slot] : NULL;
}

/** What waits for the device goes there, as far as it takes it. */
void hv_console_flush_(struct hv_console *console);

/** The end of all that may have written. */
void hv_console_settle_(struct hv_console *console);

/** To the terminal, or behind what waits for it. Room has been looked for. */
void hv_console_put_(struct hv_console *console, const char *bytes, size_t size);

/** Leave the unfinished line on the screen, so that another can be written. A line whose last byte was "\r" is as good
 *  as ended: nearly always its "\n" is about to come. */
void hv_console_leave_line_(struct hv_console *console);

/** Draw the unfinished line of the front; the cursor stands at the start of a line. */
void hv_console_redraw_line_(struct hv_console *console);

/** Between hv_console_leave_line_() and hv_console_redraw_line_(). */
void hv_console_put_log_line_(struct hv_console *console, const char *line);

/** Show @byte of @vm as the view has it: the front, or any in the view of all. */
void hv_console_show_(struct hv_console *console, struct hv_console_vm *vm, uint8_t byte);

/** @vm's unfinished line is shown and ended, a sequence that it is in the middle of dropped. */
void hv_console_finish_line_(struct hv_console *console, struct hv_console_vm *vm);

/** Bytes of @vm are missing: what is known of its line is not true any more. */
void hv_console_forget_line_(struct hv_console_vm *vm);

/** @vm is about to be attached to: what was held back of a sequence is sent. */
void hv_console_release_sequence_(struct hv_console *console, struct hv_console_vm *vm);

#endif
