/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings, and what of them is shown. */
#include <libbase/errors.h>
#include <libbase/mem.h>

#include "core/console_internal.h"
#include "core/format.h"

#define BURST 256U /* bytes of one slot before it is the next one's turn */

/* Slots get the terminal's ring up to here; the rest is for hv's own lines. */
#define OUT_FOR_SLOTS (HV_CONSOLE_OUT / 2U)

/* ---- Room -------------------------------------------------------------------------------------------------------- */

/** Nobody is in it, and nothing waits. */
static void empty_slot(struct hv_console_vm *vm)
{
    memset(vm, 0, offsetof(struct hv_console_vm, line));
}

static bool is_shown(const struct hv_console *console, uint32_t slot)
{
    return console->view == HV_CONSOLE_ALL || console->view == slot;
}

static bool may_show(const struct hv_console *console)
{
    return hv_ring_used(&console->out) <= OUT_FOR_SLOTS - HV_CONSOLE_BYTE_MOST;
}

void hv_console_flush_(struct hv_console *console)
{
    const char *bytes;
    uint32_t size;

    while ((size = hv_ring_piece(&console->out, &bytes)) > 0U) {
        size_t taken = console->ops->write(console->ctx, bytes, size);

        hv_ring_skip(&console->out, (uint32_t)taken);
        if (taken < size) {
            return;
        }
    }
}

/** Is an answer of the shell's on the screen that is not whole yet? */
static bool is_answering(const struct hv_console *console)
{
    return console->view == HV_CONSOLE_SHELL &&
           (console->answers || hv_ring_used(&console->vm[HV_CONSOLE_SHELL].output) > 0U);
}

/** What one line of hv's takes at most, if it has @size bytes. */
static size_t space_of_line(size_t size)
{
    return HV_CONSOLE_LINE_MOST(size + 16U);
}

static void put_held_line(struct hv_console *console)
{
    char line[HV_CONSOLE_LINE];
    size_t size = 0;
    int byte;

    while (size < sizeof(line) - 1U && (byte = hv_ring_get(&console->held)) >= 0 && byte != '\n') {
        line[size++] = (char)byte;
    }
    line[size] = '\0';
    hv_console_put_log_line_(console, line);
}

/** hv's lines that were held, as far as there is room. False: some are left. */
static bool release_held(struct hv_console *console)
{
    const size_t most = space_of_line(HV_CONSOLE_LINE);

    if (hv_ring_used(&console->held) == 0U) {
        return true;
    }
    if (hv_ring_free(&console->out) < most) {
        return false;
    }
    hv_console_leave_line_(console);
    while (hv_ring_used(&console->held) > 0U && hv_ring_free(&console->out) >= most) {
        put_held_line(console);
    }
    hv_console_redraw_line_(console);
    return hv_ring_used(&console->held) == 0U;
}

void hv_console_settle_(struct hv_console *console)
{
    bool wanted;

    if (hv_ring_used(&console->held) > 0U && !is_answering(console)) {
        (void)release_held(console);
    }
    wanted = hv_ring_used(&console->out) > 0U;
    if (wanted != console->wants_room) {
        console->wants_room = wanted;
        console->ops->want_room(console->ctx, wanted);
    }
}

/* ---- Output ------------------------------------------------------------------------------------------------------ */

/** Into the ring of a slot that nobody looks at: the oldest byte makes room. */
static void overwrite(struct hv_console_vm *vm, uint8_t byte)
{
    if (hv_ring_free(&vm->output) == 0U && hv_ring_get(&vm->output) >= 0) {
        vm->lost++;
    }
    (void)hv_ring_put(&vm->output, (char)byte);
}

static bool has_slack(const struct hv_console_vm *vm)
{
    return hv_ring_free(&vm->output) > HV_CONSOLE_SLACK;
}

/** Nearly all bytes of a boot: one more character of the front's line, where nothing waits. False: it is not that, or
 *  the terminal does not take it; nothing has changed. */
static bool show_quickly(struct hv_console *console, struct hv_console_vm *vm, uint8_t byte)
{
    bool is_within_a_line = vm->begun && !vm->returned && !vm->line_ended && vm->state == 0U;

    if (!is_within_a_line || byte - 0x20U >= 0x5fU || vm->column >= HV_CONSOLE_LINE - 4U ||
        hv_ring_used(&vm->output) != 0U || hv_ring_used(&console->out) != 0U ||
        console->ops->write(console->ctx, (const char *)&byte, 1) == 0U) {
        return false;
    }
    vm->line[vm->column++] = (char)byte;
    vm->length = vm->column > vm->length ? vm->column : vm->length;
    return true;
}

bool hv_console_output(struct hv_console *console, uint32_t slot, uint8_t byte)
{
    struct hv_console_vm *vm;

    if (slot == console->focus && show_quickly(console, &console->vm[slot], byte)) {
        return true;
    }
    if (slot >= HV_CONSOLE_SLOTS || console->vm[slot].name[0] == '\0') {
        return true;
    }
    vm = &console->vm[slot];
    if (!is_shown(console, slot)) {
        overwrite(vm, byte);
        return true;
    }
    if (hv_ring_used(&vm->output) == 0U && hv_ring_used(&console->out) == 0U) {
        hv_console_show_(console, vm, byte);
        hv_console_settle_(console);
        return true;
    }
    if (!hv_ring_put(&vm->output, (char)byte)) {
        vm->lost++;
    }
    return has_slack(vm);
}

/** The next byte of @vm's ring onto the terminal. */
static int show_next(struct hv_console *console, struct hv_console_vm *vm)
{
    int byte = hv_ring_get(&vm->output);

    if (byte >= 0 && vm->skipping > 0U) {
        vm->skipping = byte == '\n' ? 0U : (uint16_t)(vm->skipping - 1U);
    } else if (byte >= 0) {
        hv_console_show_(console, vm, (uint8_t)byte);
    }
    return byte;
}

/** At most @most bytes of @vm's, up to the end of a line. Returns how many. */
static uint32_t show_some(struct hv_console *console, struct hv_console_vm *vm, uint32_t most)
{
    uint32_t count = 0;

    while (count < most && may_show(console)) {
        int byte = show_next(console, vm);

        count += byte >= 0 ? 1U : 0U;
        if (byte < 0 || (byte == '\n' && !hv_console_is_raw_(console))) {
            break;
        }
    }
    return count;
}

/** The slot whose ring is emptied next, NULL: all that are shown are empty. */
static struct hv_console_vm *next_shown(struct hv_console *console)
{
    if (console->view != HV_CONSOLE_ALL) {
        struct hv_console_vm *vm = &console->vm[console->view];

        return hv_ring_used(&vm->output) > 0U ? vm : NULL;
    }
    for (uint32_t i = 0; i < HV_CONSOLE_SLOTS; i++) {
        uint32_t slot = (console->next + i) % HV_CONSOLE_SLOTS;

        if (hv_ring_used(&console->vm[slot].output) > 0U) {
            console->next = (slot + 1U) % HV_CONSOLE_SLOTS;
            return &console->vm[slot];
        }
    }
    return NULL;
}

bool hv_console_is_pending(const struct hv_console *console)
{
    for (uint32_t slot = 0; slot < HV_CONSOLE_SLOTS; slot++) {
        if (is_shown(console, slot) && hv_ring_used(&console->vm[slot].output) > 0U) {
            return true;
        }
    }
    return hv_ring_used(&console->out) > 0U || hv_ring_used(&console->held) > 0U;
}

bool hv_console_drain(struct hv_console *console)
{
    uint32_t left = HV_CONSOLE_STEP;
    struct hv_console_vm *vm;

    hv_console_flush_(console);
    while (left > 0U && may_show(console) && (vm = next_shown(console)) != NULL) {
        left -= show_some(console, vm, left < BURST ? left : BURST);
    }
    hv_console_flush_(console);
    hv_console_settle_(console);
    return hv_ring_used(&console->out) == 0U && hv_console_is_pending(console);
}

/* ---- Slots that wait --------------------------------------------------------------------------------------------- */

uint32_t hv_console_room_of(const struct hv_console *console, uint32_t slot)
{
    uint32_t left;

    if (slot >= HV_CONSOLE_SLOTS || console->vm[slot].name[0] == '\0' || !is_shown(console, slot)) {
        return UINT32_MAX;
    }
    left = hv_ring_free(&console->vm[slot].output);
    return left > HV_CONSOLE_SLACK ? left - HV_CONSOLE_SLACK : 0U;
}

bool hv_console_has_room(struct hv_console *console, uint32_t slot)
{
    bool has_room = hv_console_room_of(console, slot) > 0U;

    if (slot < HV_CONSOLE_SLOTS) {
        console->waiting = has_room ? console->waiting & ~(1U << slot) : console->waiting | 1U << slot;
    }
    return has_room;
}

uint32_t hv_console_may_resume(const struct hv_console *console)
{
    uint32_t slots = 0;

    for (uint32_t slot = 0; slot < HV_CONSOLE_SLOTS && console->waiting >> slot != 0U; slot++) {
        /* Not for a few bytes: what it costs to tell a slot is for half a ring. */
        if ((console->waiting >> slot & 1U) != 0U &&
            hv_console_room_of(console, slot) >= console->vm[slot].output.size / 2U) {
            slots |= 1U << slot;
        }
    }
    return slots;
}

/* ---- Lines of hv's own ------------------------------------------------------------------------------------------- */

/** What @line takes at most, the prefix of each of its lines included. */
static size_t space_of(const char *line)
{
    size_t size = 0;

    for (; *line != '\0'; line++) {
        size += *line == '\n' ? 16U : 1U;
    }
    return space_of_line(size);
}

/** Behind the answer that is being given. False: there is no more room for that. */
static bool hold(struct hv_console *console, const char *line)
{
    size_t size = hv_text_length(line);

    if (hv_ring_free(&console->held) <= size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        (void)hv_ring_put(&console->held, line[i]);
    }
    (void)hv_ring_put(&console->held, '\n');
    return true;
}

bool hv_console_log_line(struct hv_console *console, const char *line)
{
    if (console->is_closed) {
        return true;
    }
    if (is_answering(console) && hold(console, line)) {
        return true;
    }
    if (hv_ring_used(&console->out) > 0U) {
        hv_console_flush_(console);
    }
    if (!release_held(console) || hv_ring_free(&console->out) < space_of(line)) {
        hv_console_settle_(console);
        return false;
    }
    hv_console_leave_line_(console);
    hv_console_put_log_line_(console, line);
    hv_console_redraw_line_(console);
    hv_console_settle_(console);
    return true;
}

void hv_console_answer(struct hv_console *console, bool begins)
{
    console->answers = begins;
    hv_console_settle_(console);
}

bool hv_console_close(struct hv_console *console, const char *line)
{
    console->answers = false;
    hv_console_settle_(console);
    if (hv_ring_used(&console->held) > 0U ||
        hv_ring_free(&console->out) < space_of(line) + HV_CONSOLE_BYTE_MOST) {
        return false;
    }
    hv_console_finish_line_(console, hv_console_front_(console));
    ASH_DISCARD(hv_console_log_line(console, line)); /* there is room */
    for (uint32_t slot = 0; slot < HV_CONSOLE_SLOTS; slot++) {
        empty_slot(&console->vm[slot]);
    }
    console->focus = HV_CONSOLE_SHELL;
    console->view = HV_CONSOLE_ALL;
    console->is_closed = true;
    return true;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

void hv_console_init(struct hv_console *console, const struct hv_console_ops *ops, void *ctx)
{
    memset(console, 0, offsetof(struct hv_console, out_bytes));
    for (uint32_t slot = 0; slot < HV_CONSOLE_SLOTS; slot++) {
        empty_slot(&console->vm[slot]);
    }
    console->ops = ops;
    console->ctx = ctx;
    console->focus = HV_CONSOLE_SHELL;
    console->view = HV_CONSOLE_ALL;
    console->lead_in = HV_CONSOLE_LEAD_IN;
    console->out = (struct hv_ring){.bytes = console->out_bytes, .size = HV_CONSOLE_OUT};
    console->held = (struct hv_ring){.bytes = console->held_bytes, .size = HV_CONSOLE_HELD};
}

void hv_console_set_lead_in(struct hv_console *console, uint8_t key)
{
    console->lead_in = key;
}

static void set_name(struct hv_console_vm *vm, const char *name)
{
    size_t length = 0;

    for (; length < HV_CONSOLE_NAME - 1U && name[length] != '\0'; length++) {
        vm->name[length] = name[length] > ' ' && name[length] < 0x7f ? name[length] : '?';
    }
    if (length == 0U) {
        vm->name[0] = '?';
    }
}

int hv_console_add(struct hv_console *console, uint32_t slot, const char *name, char *ring, uint32_t size)
{
    if (slot >= HV_CONSOLE_SLOTS || size <= 2U * HV_CONSOLE_SLACK || (size & (size - 1U)) != 0U) {
        return ASH_EINVAL;
    }
    if (hv_console_find_(console, slot) != NULL) {
        return ASH_EEXIST;
    }
    hv_console_leave_line_(console);
    empty_slot(&console->vm[slot]);
    console->vm[slot].output = (struct hv_ring){.bytes = ring, .size = size};
    set_name(&console->vm[slot], name);
    if (slot != HV_CONSOLE_SHELL) {
        if (console->count == 0U && console->view == HV_CONSOLE_ALL) {
            console->focus = slot;
        }
        console->count++;
    }
    hv_console_redraw_line_(console);
    hv_console_settle_(console);
    return ASH_OK;
}

void hv_console_vm_ended(struct hv_console *console, uint32_t slot)
{
    struct hv_console_vm *vm = hv_console_find_(console, slot);

    if (vm == NULL) {
        return;
    }
    if (is_shown(console, slot) && hv_ring_used(&vm->output) == 0U) {
        if (may_show(console)) {
            hv_console_finish_line_(console, vm);
        }
    } else if (hv_ring_last(&vm->output) != '\n') {
        /* Behind what it said last: out of any sequence (CAN), and onto a new line. */
        (void)hv_console_output(console, slot, 0x18);
        (void)hv_console_output(console, slot, '\r');
        (void)hv_console_output(console, slot, '\n');
    }
    vm->input_tail = vm->input_head;
    hv_console_settle_(console);
}

char *hv_console_remove(struct hv_console *console, uint32_t slot)
{
    struct hv_console_vm *vm = hv_console_find_(console, slot);
    char *ring;

    if (vm == NULL) {
        return NULL;
    }
    ring = vm->output.bytes;
    for (uint32_t left = 8U * HV_CONSOLE_STEP; left > 0U && is_shown(console, slot) && may_show(console);
         left--) {
        if (show_next(console, vm) < 0) {
            break;
        }
        hv_console_flush_(console);
    }
    if (may_show(console)) {
        hv_console_finish_line_(console, vm);
    }
    if (console->focus == slot) {
        hv_console_leave_line_(console);
        console->focus = HV_CONSOLE_SHELL;
        for (uint32_t other = HV_CONSOLE_MAX_VMS; other-- > 0U;) {
            console->focus =
                other != slot && hv_console_find_(console, other) != NULL ? other : console->focus;
        }
        if (console->view == slot) {
            console->view = HV_CONSOLE_ALL;
        }
    }
    console->count -= slot != HV_CONSOLE_SHELL ? 1U : 0U;
    console->waiting &= ~(1U << slot);
    empty_slot(vm);
    hv_console_settle_(console);
    return ring;
}
