/* SPDX-License-Identifier: BSD-2-Clause */
/** One terminal for hv, its shell and all VMs. docs/console.md is for whoever sits at it.
 *
 *  Slots. A VM has one each, and hv's own shell one more, HV_CONSOLE_SHELL, which is a VM to everything here but that
 *  it has no prefix and no number. One slot has the keyboard: the *front*.
 *
 *  Views. *Attached* to a slot: its bytes as they are, nothing added, nothing held back; what the others say waits in
 *  their rings. *All*: every line carries "[name] " (where there are several VMs; the only one's bytes pass as they
 *  are, "\n" getting its "\r"). The front is seen at once, byte by byte, the others by whole lines. In both a line of
 *  hv's ("ashlar: …"), or of another VM, that comes while an unfinished line is on the screen goes onto a line of its
 *  own, and the unfinished one is drawn again below it.
 *
 *  Rings. What cannot be shown at once waits in its slot's ring. Who is not looked at overwrites the oldest in it; who
 *  is looked at gets no more room than the terminal has: hv_console_output() says so, and the slot waits. So a slot
 *  that floods slows only itself: all that others wait for is a bounded step of hv_console_drain().
 *
 *  Answers. What the shell says between hv_console_answer(true) and (false) is in one piece to whoever is attached to
 *  it: hv's lines come behind it. Of those HV_CONSOLE_HELD bytes wait at most: then they go between after all, at the
 *  end of a line of the answer, rather than be lost.
 *
 *  What a VM may do to the terminal: the front anything (escape sequences pass unchanged, in the view of all each in
 *  one piece; they can paint whatever they like, so nothing on the screen proves that hv wrote it), the others
 *  nothing: of their lines only printable characters, tabs and well-formed UTF-8 are shown, always behind the prefix.
 *  Without escape sequences, backspaces, vertical tabs and form feeds the front cannot lose its prefix either.
 *
 *  What is drawn again is text only: colours are gone until the VM sends the next, and a query (ESC[6n) is not
 *  repeated. A sequence that hv has to break into while attached is ended by CAN, and the rest of it not sent.
 *
 *  Input. Goes to the front, but for the lead-in and the key behind it: 1 to 9 attach to that VM, 0 to the shell; a:
 *  all; l: list; ? or h: help; the lead-in again: a literal one. What a slot does not take at once waits in a ring of
 *  its own.
 *
 *  Lock domain of everything here: the console. No call waits. Architecture-neutral.
 */
#ifndef HV_CORE_CONSOLE_H
#define HV_CORE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libbase/compiler.h>

#include "core/ring.h"

#define HV_CONSOLE_MAX_VMS  16U
#define HV_CONSOLE_SHELL    HV_CONSOLE_MAX_VMS /* the slot of hv's shell */
#define HV_CONSOLE_SLOTS    (HV_CONSOLE_MAX_VMS + 1U)
#define HV_CONSOLE_ALL      UINT32_MAX /* the view of all */
#define HV_CONSOLE_NAME     32U        /* bytes, NUL included */
#define HV_CONSOLE_LINE     256U       /* bytes of a line that are kept; a longer one is broken */
#define HV_CONSOLE_SEQUENCE 32U        /* bytes of an escape sequence that are held until it is whole */
#define HV_CONSOLE_INPUT    1024U      /* bytes; a power of two */
#define HV_CONSOLE_OUT      8192U      /* bytes on their way to the device; a power of two */
#define HV_CONSOLE_STEP     512U       /* bytes of slots' rings that hv_console_drain() looks at */
#define HV_CONSOLE_SLACK    64U        /* bytes of a ring that are left when its slot is told to wait */
#define HV_CONSOLE_HELD     8192U /* bytes of hv's lines that wait for the end of an answer; a power of two */
#define HV_CONSOLE_LEAD_IN  0x1dU /* Ctrl-] */

struct hv_console_ops {
    /** Give the terminal as many of @size bytes as it takes without waiting, and say how many. Must not call back. */
    size_t (*write)(void *ctx, const char *bytes, size_t size);

    /** Call hv_console_drain() when write() will take more (@wanted), or do not bother. Must not call back. */
    void (*want_room)(void *ctx, bool wanted);

    /** Give @byte to the VM in @slot. False: it has no room; the console keeps the byte for
     *  hv_console_pump(). Must not call back. */
    bool (*deliver)(void *ctx, uint32_t slot, uint8_t byte);
};

/** One slot; private. */
struct hv_console_vm {
    char name[HV_CONSOLE_NAME]; /* empty: there is none in this slot */

    /* Of its unfinished line. */
    uint16_t length;
    uint16_t column; /* of the cursor, 0..length */
    bool begun;      /* the line has had a byte; its prefix is on the screen if the VM has the focus */
    bool returned;   /* the last byte was "\r" */
    bool line_ended; /* the line was ended for it after "\r": a "\n" that follows belongs to that */

    /* The escape sequence that it is in the middle of. ECMA-48 5.4, 8.3. */
    uint8_t state;
    uint8_t held_length;
    bool
        held_lost; /* too long to hold, begun under another front, or broken into: its end is not for the terminal */
    bool passing; /* too long to hold: on its way to the terminal byte by byte */
    uint16_t parameter;

    struct hv_ring output; /* not shown yet */
    uint64_t lost;         /* bytes that were overwritten since it was looked at last */
    uint16_t skipping;     /* bytes that may be left out at most, up to the next whole line */

    uint32_t input_head; /* free running: where the next byte goes */
    uint32_t input_tail;

    /* Read as far as what is above says: in an empty slot anything may stand here. */
    char line
        [HV_CONSOLE_LINE]; /* as it looks, without its prefix: characters only, cursor movement followed */
    char held[HV_CONSOLE_SEQUENCE];
    uint8_t input[HV_CONSOLE_INPUT];
};

/** The console. Allocated by the caller; private. */
struct hv_console {
    const struct hv_console_ops *ops;
    void *ctx;
    uint32_t count;   /* VMs */
    uint32_t focus;   /* slot: the front */
    uint32_t view;    /* == focus, or HV_CONSOLE_ALL */
    uint32_t next;    /* slot: whose ring is emptied next in the view of all */
    uint32_t waiting; /* slots that were told to wait, a bit each */
    uint8_t lead_in;  /* the key */
    bool led_in;      /* the last byte typed was the lead-in */
    bool is_closed;
    bool answers;    /* hv_console_answer() */
    bool wants_room; /* as want_room() was last told */
    struct hv_ring out;
    char out_bytes[HV_CONSOLE_OUT];
    struct hv_ring held; /* hv's lines, each ended by "\n" */
    char held_bytes[HV_CONSOLE_HELD];
    struct hv_console_vm vm[HV_CONSOLE_SLOTS];
};

ASH_STATIC_ASSERT((HV_CONSOLE_INPUT & (HV_CONSOLE_INPUT - 1U)) == 0U, "the ring's indices wrap");
ASH_STATIC_ASSERT((HV_CONSOLE_OUT & (HV_CONSOLE_OUT - 1U)) == 0U, "the ring's indices wrap");
ASH_STATIC_ASSERT((HV_CONSOLE_HELD & (HV_CONSOLE_HELD - 1U)) == 0U, "the ring's indices wrap");

/** A console without VMs and shell, in the view of all, on a terminal whose cursor stands at the start of a line.
 *  ops, ctx: outlive it, all ops present. */
void hv_console_init(struct hv_console *console, const struct hv_console_ops *ops, void *ctx);

/** The lead-in is @key from now on. */
void hv_console_set_lead_in(struct hv_console *console, uint8_t key);

/** The VM in @slot, below HV_CONSOLE_MAX_VMS, or the shell, is called @name (cut at HV_CONSOLE_NAME; what is not
 *  printable ASCII becomes '?', an empty one "?"). A VM is number slot + 1 to whoever types. The first VM added is the
 *  front, the shell where there is none.
 *  ring: @size bytes, a power of two above 2 * HV_CONSOLE_SLACK, the slot's until hv_console_remove().
 *  Returns ASH_OK, ASH_EINVAL (slot, size), ASH_EEXIST (the slot is taken). HAL: write, want_room (a second VM turns
 *  prefixes on: an unfinished line is drawn again with it). */
int hv_console_add(struct hv_console *console, uint32_t slot, const char *name, char *ring,
                   uint32_t size) ASH_NODISCARD;

/** The VM in @slot is gone: what it said last is shown as far as there is room, the slot is free. Whoever was attached
 *  to it sees all. An empty slot: nothing happens. HAL: write, want_room.
 *  Returns the ring it had, NULL: none. */
char *hv_console_remove(struct hv_console *console, uint32_t slot);

/** @slot sends @byte. An empty slot's output is dropped. HAL: write, want_room.
 *  Returns false if it has to wait now: HV_CONSOLE_SLACK bytes more are taken, further ones are lost. It may go on when
 *  hv_console_has_room() says so; hv_console_may_resume() tells when to look. */
bool hv_console_output(struct hv_console *console, uint32_t slot, uint8_t byte);

/** May @slot send? And note the answer: one that may not is in a later hv_console_may_resume(). */
bool hv_console_has_room(struct hv_console *console, uint32_t slot);

/** The slots that were told to wait and have room by now, a bit each. hv_console_has_room() takes them out. */
uint32_t hv_console_may_resume(const struct hv_console *console);

/** Bytes that @slot may send before it has to wait. */
uint32_t hv_console_room_of(const struct hv_console *console, uint32_t slot);

/** Move what waits towards the terminal: a bounded step. HAL: write, want_room.
 *  True: there is more, and the terminal would take it: call again, soon. */
bool hv_console_drain(struct hv_console *console);

/** Does anything wait that this view shows? */
bool hv_console_is_pending(const struct hv_console *console);

/** The VM in @slot has ended or starts again: its unfinished line is shown and ended, input that it never
 *  took is dropped. HAL: write. */
void hv_console_vm_ended(struct hv_console *console, uint32_t slot);

/** A line of hv's own: "ashlar: " and @line. A "\n" inside begins another such line, one at the end does
 *  nothing; other control characters become '?'. Behind an answer that is being given. HAL: write, want_room.
 *  False: the terminal is that far behind; nothing was done. */
bool hv_console_log_line(struct hv_console *console, const char *line) ASH_NODISCARD;

/** What the shell says from now on is one answer (@begins), or it is over. HAL: write, want_room. */
void hv_console_answer(struct hv_console *console, bool begins);

/** The same, and the last: the front's unfinished line is ended before it, and from now on nobody says anything. */
bool hv_console_close(struct hv_console *console, const char *line) ASH_NODISCARD;

enum hv_console_input {
    HV_CONSOLE_TAKEN,
    HV_CONSOLE_FULL, /* the front takes no more and its ring is full: offer the byte again after hv_console_pump() */
    HV_CONSOLE_BUSY /* a key of hv's, whose answer has no room: offer it again after hv_console_drain() */
};

/** @byte was typed. HAL: deliver, write, want_room. */
enum hv_console_input hv_console_input(struct hv_console *console, uint8_t byte);

/** The same as the keys 1 to 9, 0 and a: attach to @slot, or see all. ASH_ENOENT: nobody is there; ASH_EBUSY: the
 *  answer has no room. HAL: write, want_room. */
int hv_console_attach(struct hv_console *console, uint32_t slot) ASH_NODISCARD;

/** Offer what waits in the rings again. True: something still waits. HAL: deliver. */
bool hv_console_pump(struct hv_console *console);

/** The oldest typed byte that waits for @slot, or -1: for one that is not given its input but fetches it. */
int hv_console_take_input(struct hv_console *console, uint32_t slot);

/** If @byte is among what waits for @slot: drop it and all before it, and true. */
bool hv_console_cut_input(struct hv_console *console, uint32_t slot, uint8_t byte);

/** Give up on what waits for the front: so that a lead-in behind it is seen although that VM reads nothing. When, is
 *  the caller's policy. Says on a line how much was dropped, if there is room. HAL: write, want_room. */
void hv_console_discard_input(struct hv_console *console);

#endif
