/* SPDX-License-Identifier: BSD-2-Clause */
/** One terminal for hv and all VMs: output by lines, input by focus.
 *
 *  Output. With one VM its bytes pass as they are, "\n" getting its "\r". With several, every line carries
 *  "[name] ". The VM that has the focus is seen at once, byte by byte; the others by whole lines. A line of
 *  another VM, or of hv ("ashlar: …"), that comes while an unfinished line is on the screen goes onto a line
 *  of its own, and the unfinished one is drawn again below it.
 *
 *  What a VM may do to the terminal: the one with the focus anything (escape sequences pass unchanged, each
 *  in one piece; they can paint whatever they like, so nothing on the screen proves that hv wrote it), the
 *  others nothing: of their lines only printable characters, tabs and well-formed UTF-8 are shown, always
 *  behind the prefix. Without escape sequences, backspaces, vertical tabs and form feeds the one with the
 *  focus cannot lose its prefix either.
 *
 *  What is drawn again is text only: colours are gone until the VM sends the next, and a query (ESC[6n) is
 *  not repeated.
 *
 *  Input. Goes to the VM with the focus. Ctrl-] (0x1d) and then 1 to 9: focus on that VM; l: list; ?: help;
 *  Ctrl-]: a literal one. What a VM does not take at once waits in a ring of its own.
 *
 *  Lock domain of everything here: the console. No call waits, except as write() does. Architecture-neutral.
 */
#ifndef HV_CORE_CONSOLE_H
#define HV_CORE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libbase/compiler.h>

#define HV_CONSOLE_MAX_VMS  16U
#define HV_CONSOLE_NAME     32U   /* bytes, NUL included */
#define HV_CONSOLE_LINE     256U  /* bytes of a line that are kept; a longer one is broken */
#define HV_CONSOLE_SEQUENCE 32U   /* bytes of an escape sequence that are held until it is whole */
#define HV_CONSOLE_INPUT    1024U /* bytes; a power of two */
#define HV_CONSOLE_LEAD_IN  0x1dU /* Ctrl-] */

struct hv_console_ops {
    /** Put @size bytes on the terminal. May wait for the device. Must not call back. Cannot fail. */
    void (*write)(void *ctx, const char *bytes, size_t size);

    /** Give @byte to the VM in @slot. False: it has no room; the console keeps the byte for
     *  hv_console_pump(). Must not call back. */
    bool (*deliver)(void *ctx, uint32_t slot, uint8_t byte);
};

/** One VM's end of the console; private. */
struct hv_console_vm {
    char name[HV_CONSOLE_NAME]; /* empty: there is none in this slot */

    /* The unfinished line as it looks, without its prefix: characters only, cursor movement followed. */
    char line[HV_CONSOLE_LINE];
    uint16_t length;
    uint16_t column; /* of the cursor, 0..length */
    bool begun;      /* the line has had a byte; its prefix is on the screen if the VM has the focus */
    bool returned;   /* the last byte was "\r" */
    bool line_ended; /* the line was ended for it after "\r": a "\n" that follows belongs to that */

    /* The escape sequence that it is in the middle of. ECMA-48 5.4, 8.3. */
    uint8_t state;
    uint8_t held_length;
    bool held_lost; /* too long to hold, or begun under another focus: its end is not for the terminal */
    bool passing;   /* too long to hold: on its way to the terminal byte by byte */
    uint16_t parameter;
    char held[HV_CONSOLE_SEQUENCE];

    uint8_t input[HV_CONSOLE_INPUT];
    uint32_t input_head; /* free running: where the next byte goes */
    uint32_t input_tail;
};

/** The console. Allocated by the caller; private. */
struct hv_console {
    const struct hv_console_ops *ops;
    void *ctx;
    uint32_t count; /* VMs */
    uint32_t focus; /* slot */
    bool lead_in;   /* the last byte typed was the lead-in */
    struct hv_console_vm vm[HV_CONSOLE_MAX_VMS];
};

ASH_STATIC_ASSERT((HV_CONSOLE_INPUT & (HV_CONSOLE_INPUT - 1U)) == 0U, "the ring's indices wrap");

/** A console without VMs, on a terminal whose cursor stands at the start of a line.
 *  ops, ctx: outlive it, both ops present. */
void hv_console_init(struct hv_console *console, const struct hv_console_ops *ops, void *ctx);

/** The VM in @slot, below HV_CONSOLE_MAX_VMS, is called @name (cut at HV_CONSOLE_NAME; what is not printable
 *  ASCII becomes '?', an empty one "?"). It is number slot + 1 to whoever types. The first one added has the
 *  focus.
 *  Returns ASH_OK, ASH_EINVAL (slot), ASH_EEXIST (the slot is taken). HAL: write (a second VM turns prefixes
 *  on: an unfinished line is drawn again with it). */
int hv_console_add_vm(struct hv_console *console, uint32_t slot, const char *name) ASH_NODISCARD;

/** The VM in @slot sent @byte. An empty slot's output is dropped. HAL: write. */
void hv_console_output(struct hv_console *console, uint32_t slot, uint8_t byte);

/** The VM in @slot has ended or starts again: its unfinished line is shown and ended, input that it never
 *  took is dropped. HAL: write. */
void hv_console_vm_ended(struct hv_console *console, uint32_t slot);

/** A line of hv's own: "ashlar: " and @line. A "\n" inside begins another such line, one at the end does
 *  nothing; other control characters become '?'. HAL: write. */
void hv_console_log_line(struct hv_console *console, const char *line);

/** @byte was typed. False: the VM with the focus takes no more and its ring is full: the byte is not
 *  consumed, offer it again after hv_console_pump(). The lead-in and the key behind it are always consumed.
 *  HAL: deliver, write. */
bool hv_console_input(struct hv_console *console, uint8_t byte);

/** Offer what waits in the rings again. True: something still waits. HAL: deliver. */
bool hv_console_pump(struct hv_console *console);

/** Give up on what waits for the VM with the focus: so that a lead-in behind it is seen although that VM
 *  reads nothing. When, is the caller's policy. Says on a line how much was dropped. HAL: write. */
void hv_console_discard_input(struct hv_console *console);

#endif
