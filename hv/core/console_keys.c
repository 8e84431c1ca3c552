/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is looked at, the keys that say so, and where all others go. */
#include <libbase/errors.h>

#include "core/console_internal.h"
#include "core/format.h"

#define KEY_MOST 2048U /* what the answer to a key takes: the list */

/** One that has room. */
static void say(struct hv_console *console, const char *line)
{
    ASH_DISCARD(hv_console_log_line(console, line));
}

/* ---- Views ------------------------------------------------------------------------------------------------------- */

/** "^]", or the character itself. */
static void lead_in_name(const struct hv_console *console, char name[8])
{
    uint8_t key = console->lead_in;

    (void)hv_format(name, 8, key < 0x20U ? "Ctrl-%c" : "%c", key < 0x20U ? key + 0x40 : key);
}

/** What was overwritten while nobody looked: said, and the rest of the line that it ended in left out. */
static void tell_lost(struct hv_console *console, struct hv_console_vm *vm)
{
    char line[120];

    if (vm->lost == 0U) {
        return;
    }
    (void)hv_format(line, sizeof(line),
                    "console: %s: the oldest %lu bytes of what it said meanwhile are gone", vm->name,
                    (unsigned long)vm->lost);
    hv_console_put_log_line_(console, line);
    vm->lost = 0;
    vm->skipping = HV_CONSOLE_LINE;
    hv_console_forget_line_(vm);
}

static void see_all(struct hv_console *console)
{
    hv_console_leave_line_(console);
    console->view = HV_CONSOLE_ALL;
    hv_console_put_log_line_(console, "console: all");
    for (uint32_t slot = 0; slot < HV_CONSOLE_SLOTS; slot++) {
        tell_lost(console, &console->vm[slot]);
    }
    hv_console_redraw_line_(console);
    hv_console_settle_(console);
}

static void see_one(struct hv_console *console, uint32_t slot)
{
    struct hv_console_vm *vm = &console->vm[slot];
    char line[96];
    char lead[8];

    lead_in_name(console, lead);
    hv_console_leave_line_(console);
    console->focus = slot;
    console->view = slot;
    if (slot == HV_CONSOLE_SHELL) {
        (void)hv_format(line, sizeof(line), "console: hv's shell; %s and a digit leaves it, help helps",
                        lead);
    } else {
        (void)hv_format(line, sizeof(line), "console: VM %u, %s", slot + 1U, vm->name);
    }
    hv_console_put_log_line_(console, line);
    tell_lost(console, vm);
    hv_console_redraw_line_(console);
    hv_console_release_sequence_(console, vm);
    hv_console_settle_(console);
}

int hv_console_attach(struct hv_console *console, uint32_t slot)
{
    if (slot != HV_CONSOLE_ALL && hv_console_find_(console, slot) == NULL) {
        return ASH_ENOENT;
    }
    hv_console_flush_(console);
    if (hv_ring_free(&console->out) < KEY_MOST + HV_CONSOLE_BYTE_MOST) {
        hv_console_settle_(console);
        return ASH_EBUSY;
    }
    if (slot == HV_CONSOLE_ALL) {
        see_all(console);
    } else {
        see_one(console, slot);
    }
    return ASH_OK;
}

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

static void list(struct hv_console *console)
{
    char line[96];

    hv_console_leave_line_(console);
    for (uint32_t slot = 0; slot < HV_CONSOLE_MAX_VMS; slot++) {
        if (console->vm[slot].name[0] != '\0') {
            (void)hv_format(line, sizeof(line), "console: VM %u, %s%s", slot + 1U, console->vm[slot].name,
                            slot == console->focus ? " (has the keyboard)" : "");
            hv_console_put_log_line_(console, line);
        }
    }
    hv_console_redraw_line_(console);
}

static void help(struct hv_console *console)
{
    char line[160];
    char lead[8];

    lead_in_name(console, lead);
    (void)hv_format(
        line, sizeof(line),
        "console: %s then 1..9: that VM; a: all; 0: hv's shell; l: list; h: this; %s again: a literal one",
        lead, lead);
    say(console, line);
}

/** A key that leads nowhere. */
static void say_unknown(struct hv_console *console, uint8_t key)
{
    char line[120];
    char lead[8];

    lead_in_name(console, lead);
    if (key >= '1' && key <= '9') {
        (void)hv_format(line, sizeof(line), "console: there is no VM %c; %s l lists them", key, lead);
    } else if (key == '0') {
        (void)hv_format(line, sizeof(line), "console: there is no shell here");
    } else {
        (void)hv_format(line, sizeof(line), "console: %s and key 0x%02x: not known; %s h helps", lead, key,
                        lead);
    }
    say(console, line);
}

/** The key behind the lead-in. */
static void obey(struct hv_console *console, uint8_t key)
{
    uint32_t slot = key == '0' ? HV_CONSOLE_SHELL : key - (uint32_t)'1';

    if (key >= '0' && key <= '9' && hv_console_find_(console, slot) != NULL) {
        see_one(console, slot);
    } else if (key == 'a') {
        see_all(console);
    } else if (key == 'l') {
        list(console);
    } else if (key == '?' || key == 'h') {
        help(console);
    } else {
        say_unknown(console, key);
    }
}

/* ---- Input ------------------------------------------------------------------------------------------------------- */

/** True: something still waits. */
static bool pump(struct hv_console *console, uint32_t slot)
{
    struct hv_console_vm *vm = &console->vm[slot];

    while (vm->input_tail != vm->input_head) {
        if (slot == HV_CONSOLE_SHELL ||
            !console->ops->deliver(console->ctx, slot, vm->input[vm->input_tail % HV_CONSOLE_INPUT])) {
            return true;
        }
        vm->input_tail++;
    }
    return false;
}

bool hv_console_pump(struct hv_console *console)
{
    bool waits = false;

    for (uint32_t slot = 0; slot < HV_CONSOLE_MAX_VMS; slot++) {
        waits = pump(console, slot) || waits;
    }
    return waits;
}

int hv_console_take_input(struct hv_console *console, uint32_t slot)
{
    struct hv_console_vm *vm = &console->vm[slot];

    return vm->input_tail != vm->input_head ? vm->input[vm->input_tail++ % HV_CONSOLE_INPUT] : -1;
}

bool hv_console_cut_input(struct hv_console *console, uint32_t slot, uint8_t byte)
{
    struct hv_console_vm *vm = &console->vm[slot];

    for (uint32_t at = vm->input_tail; at != vm->input_head; at++) {
        if (vm->input[at % HV_CONSOLE_INPUT] == byte) {
            vm->input_tail = at + 1U;
            return true;
        }
    }
    return false;
}

static bool send(struct hv_console *console, uint8_t byte)
{
    struct hv_console_vm *vm = hv_console_front_(console);

    if (console->focus != HV_CONSOLE_SHELL && !pump(console, console->focus) &&
        console->ops->deliver(console->ctx, console->focus, byte)) {
        return true;
    }
    if (vm->input_head - vm->input_tail == HV_CONSOLE_INPUT) {
        return false;
    }
    vm->input[vm->input_head % HV_CONSOLE_INPUT] = byte;
    vm->input_head++;
    return true;
}

void hv_console_discard_input(struct hv_console *console)
{
    struct hv_console_vm *vm = hv_console_front_(console);
    uint32_t dropped = vm->input_head - vm->input_tail;
    char line[96];

    vm->input_tail = vm->input_head;
    if (dropped > 0U) {
        (void)hv_format(line, sizeof(line), "console: %s does not read: %u typed bytes dropped", vm->name,
                        dropped);
        say(console, line);
    }
}

enum hv_console_input hv_console_input(struct hv_console *console, uint8_t byte)
{
    bool is_key = console->led_in;

    if (console->is_closed) {
        return HV_CONSOLE_TAKEN;
    }
    if (!is_key && byte == console->lead_in) {
        console->led_in = true;
        return HV_CONSOLE_TAKEN;
    }
    if (is_key && byte != console->lead_in) {
        hv_console_flush_(console);
        if (hv_ring_free(&console->out) < KEY_MOST + HV_CONSOLE_BYTE_MOST) {
            hv_console_settle_(console);
            return HV_CONSOLE_BUSY;
        }
        console->led_in = false;
        obey(console, byte);
        hv_console_settle_(console);
        return HV_CONSOLE_TAKEN;
    }
    /* A literal lead-in is offered again too: led_in stays. */
    if (hv_console_front_(console)->name[0] != '\0' && !send(console, byte)) {
        return HV_CONSOLE_FULL;
    }
    console->led_in = false;
    return HV_CONSOLE_TAKEN;
}
