/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines: of each slot the unfinished one as it looks, and what becomes of it on the screen. */
#include "core/console_internal.h"
#include "core/format.h"

#define ESC 0x1bU
#define CAN                                                                                                  \
    "\x18" /* makes a terminal leave an escape sequence: ECMA-48 8.3.6; VT500 parsers from any state */
#define HV_PREFIX "ashlar: "

/** Where a VM is within an escape sequence. ECMA-48 5.3 (ESC Fe, Fp, Fs), 5.4 (CSI), 5.6 (strings). */
enum sequence_state {
    GROUND = 0,
    ESCAPE,       /* ESC, and any number of 0x20 to 0x2f */
    CSI,          /* ESC [ and parameters */
    STRING,       /* ESC ] P X ^ _: up to ESC \ or BEL */
    STRING_ESCAPE /* the ESC of ESC \ */
};

void hv_console_put_(struct hv_console *console, const char *bytes, size_t size)
{
    size_t done = 0;

    if (size > 0U && hv_ring_used(&console->out) == 0U) {
        done = console->ops->write(console->ctx, bytes, size);
    }
    for (; done < size; done++) {
        (void)hv_ring_put(&console->out, bytes[done]);
    }
}

static void put(struct hv_console *console, const char *bytes, size_t size)
{
    hv_console_put_(console, bytes, size);
}

static void put_string(struct hv_console *console, const char *text)
{
    size_t size = hv_text_length(text);

    put(console, text, size);
}

static void put_prefix(struct hv_console *console, const struct hv_console_vm *vm)
{
    if (console->count > 1U && !hv_console_is_raw_(console) && vm != &console->vm[HV_CONSOLE_SHELL]) {
        put(console, "[", 1);
        put_string(console, vm->name);
        put(console, "] ", 2);
    }
}

/** Is @vm's line on the screen, by what is done here? */
static bool is_drawn(const struct hv_console *console, const struct hv_console_vm *vm)
{
    return vm == &console->vm[console->focus] && !hv_console_is_raw_(console);
}

/* ---- Text that cannot move the cursor ---- */

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0U) == 0x80U;
}

/** Bytes of the well-formed UTF-8 sequence at @s, 0: none, or one of the C1 controls U+0080 to U+009F, which
 *  terminals obey (0x9b is CSI). The Unicode Standard 15.0, table 3-7. */
static size_t utf8_size(const uint8_t *s, size_t size)
{
    static const struct {
        uint8_t first, last;               /* of the leading byte */
        uint8_t second_first, second_last; /* of the one behind it; further ones are 0x80 to 0xbf */
        uint8_t size;
    } forms[] = {
        {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < ASH_ARRAY_SIZE(forms); i++) {
        if (s[0] < forms[i].first || s[0] > forms[i].last) {
            continue;
        }
        if (size < forms[i].size || s[1] < forms[i].second_first || s[1] > forms[i].second_last) {
            return 0;
        }
        for (size_t n = 2; n < forms[i].size; n++) {
            if (!is_continuation(s[n])) {
                return 0;
            }
        }
        return forms[i].size;
    }
    return 0;
}

/** Bytes from @s on that may be shown: printable ASCII as far as it goes, or one character, 0: none. */
static size_t plain_size(const uint8_t *s, size_t size)
{
    size_t n = 0;

    while (n < size && s[n] >= 0x20U && s[n] < 0x7fU) {
        n++;
    }
    if (n > 0U || s[0] == '\t') {
        return n > 0U ? n : 1U;
    }
    return utf8_size(s, size);
}

/** @text as far as its line goes, @size bytes at most, with a '?' for each byte that is no plain text: how many. */
static size_t put_plain(struct hv_console *console, const char *text, size_t size)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t from = 0;
    size_t at = 0;

    while (at < size && s[at] != '\n' && s[at] != '\0') {
        size_t n = plain_size(&s[at], size - at);
        if (n > 0U) {
            at += n;
            continue;
        }
        put(console, &text[from], at - from);
        put(console, "?", 1);
        at++;
        from = at;
    }
    put(console, &text[from], at - from);
    return at;
}

/* ---- Other lines than the unfinished one on the screen ---- */

static void forget_line(struct hv_console_vm *vm)
{
    vm->length = 0;
    vm->column = 0;
    vm->begun = false;
    vm->returned = false;
}

/** The terminal is in the middle of a sequence of @vm that was too long to hold: take it out of there. */
static void abort_passing(struct hv_console *console, struct hv_console_vm *vm)
{
    if (vm->passing) {
        put_string(console, CAN);
        vm->passing = false;
        vm->held_lost = true;
    }
}

/** Attached, and the terminal is in the middle of any sequence of @vm: likewise. */
static void abort_raw(struct hv_console *console, struct hv_console_vm *vm)
{
    if (hv_console_is_raw_(console) && vm->state != GROUND && !vm->held_lost) {
        put_string(console, CAN);
        vm->held_lost = true;
    }
}

void hv_console_leave_line_(struct hv_console *console)
{
    struct hv_console_vm *vm = hv_console_front_(console);

    abort_passing(console, vm);
    abort_raw(console, vm);
    if (!vm->begun) {
        return;
    }
    put_string(console, "\r\n");
    if (vm->returned) {
        forget_line(vm);
        vm->line_ended = !hv_console_is_raw_(console);
    }
}

void hv_console_redraw_line_(struct hv_console *console)
{
    struct hv_console_vm *vm = hv_console_front_(console);

    if (!vm->begun) {
        return;
    }
    put_prefix(console, vm);
    (void)put_plain(console, vm->line, vm->length);
    if (vm->returned) {
        put(console, "\r", 1);
        return;
    }
    for (size_t i = vm->column; i < vm->length; i++) {
        if (!is_continuation((uint8_t)vm->line[i])) {
            put(console, "\b", 1);
        }
    }
}

/** Show the line of a VM without the focus. */
static void show_line(struct hv_console *console, const struct hv_console_vm *vm)
{
    hv_console_leave_line_(console);
    put_prefix(console, vm);
    (void)put_plain(console, vm->line, vm->length);
    put(console, "\r\n", 2);
    hv_console_redraw_line_(console);
}

void hv_console_put_log_line_(struct hv_console *console, const char *line)
{
    for (;;) {
        put(console, HV_PREFIX, sizeof(HV_PREFIX) - 1U);
        line += put_plain(console, line, SIZE_MAX);
        put(console, "\r\n", 2);
        if (line[0] == '\0' || line[1] == '\0') {
            return;
        }
        line++;
    }
}

/* ---- A VM's line as it looks ---- */

/** Its first byte, whatever that is: the prefix is due. */
static void begin_line(struct hv_console *console, struct hv_console_vm *vm)
{
    /* Behind "\r" the cursor is on the prefix: drawn over with itself, so that what follows cannot replace
     * it. */
    bool is_due = !vm->begun || vm->returned;

    vm->begun = true;
    vm->returned = false;
    if (is_due && is_drawn(console, vm)) {
        put_prefix(console, vm);
    }
}

static void end_line(struct hv_console *console, struct hv_console_vm *vm)
{
    if (is_drawn(console, vm)) {
        put_string(console, vm->returned ? "\n" : "\r\n");
    } else if (!hv_console_is_raw_(console)) {
        show_line(console, vm);
    }
    forget_line(vm);
}

/** The cursor has gone where this line is not: there is nothing to draw again. */
static void lose_line(struct hv_console_vm *vm)
{
    vm->length = 0;
    vm->column = 0;
}

/** Is a line that is too long shown as several? The only VM's output is not touched: it loses what we would draw again.
 */
static bool breaks_lines(const struct hv_console *console, const struct hv_console_vm *vm)
{
    return !hv_console_is_raw_(console) && (console->count > 1U || !is_drawn(console, vm));
}

/** A character that shows, or a byte of one. */
static void add_text(struct hv_console *console, struct hv_console_vm *vm, char byte)
{
    /* Full; a character of several bytes is not torn apart. */
    if (vm->column >= HV_CONSOLE_LINE ||
        (vm->column > HV_CONSOLE_LINE - 4U && !is_continuation((uint8_t)byte))) {
        if (breaks_lines(console, vm)) {
            end_line(console, vm);
            begin_line(console, vm);
        } else {
            lose_line(vm);
        }
    }
    if (is_drawn(console, vm)) {
        put(console, &byte, 1);
    }
    vm->line[vm->column++] = byte;
    if (vm->column > vm->length) {
        vm->length = vm->column;
    }
}

/** A control character or a whole sequence: shown as it is, to the VM with the focus alone. */
static void pass(struct hv_console *console, const struct hv_console_vm *vm, const char *bytes, size_t size)
{
    if (is_drawn(console, vm)) {
        put(console, bytes, size);
    }
}

/** What a control character of one byte does to the line. */
static void add_control(struct hv_console *console, struct hv_console_vm *vm, char byte)
{
    begin_line(console, vm);
    pass(console, vm, &byte, 1);
    if (byte == '\r') {
        vm->column = 0;
        vm->returned = true;
    } else if (byte == '\b') {
        vm->column = vm->column > 0U ? (uint16_t)(vm->column - 1U) : 0U;
    } else if (byte == '\v' || byte == '\f') {
        lose_line(vm);
    }
}

/** What a control sequence does to the line: ECMA-48 8.3. */
static void apply_csi(struct hv_console_vm *vm, uint8_t final)
{
    /* CUU CUD CNL CPL CHA CUP VPA HVP; ED and EL other than of what is right of the cursor. */
    static const char elsewhere[] = "ABEFGHdfJK";
    unsigned n = vm->parameter > 0U ? vm->parameter : 1U;

    if ((final == 'J' || final == 'K') && vm->parameter == 0U) {
        vm->length = vm->column;
    } else if (final == 'C') { /* CUF */
        vm->column = n < vm->length - (unsigned)vm->column ? (uint16_t)(vm->column + n) : vm->length;
    } else if (final == 'D') { /* CUB */
        vm->column = n < vm->column ? (uint16_t)(vm->column - n) : 0U;
    } else {
        for (const char *e = elsewhere; *e != '\0'; e++) {
            if (final == (uint8_t)*e) {
                lose_line(vm);
            }
        }
    }
}

/** ESC and one byte: IND, NEL, RI, RIS, and DECRC leave the line. */
static void apply_escape(struct hv_console_vm *vm, uint8_t final)
{
    if (final == 'D' || final == 'E' || final == 'M' || final == 'c' || final == '8') {
        lose_line(vm);
    }
}

/* ---- Escape sequences: whole ones, or nothing ---- */

static void drop_sequence(struct hv_console *console, struct hv_console_vm *vm)
{
    abort_passing(console, vm);
    vm->state = GROUND;
}

static void begin_sequence(struct hv_console_vm *vm)
{
    vm->state = ESCAPE;
    vm->held_length = 0;
    vm->held_lost = false;
    vm->parameter = 0;
}

/** One more byte of the sequence. Another line must not come in the middle of it, so it is held until it is
 *  whole. */
static void hold(struct hv_console *console, struct hv_console_vm *vm, char byte)
{
    if (vm->passing) {
        put(console, &byte, 1);
    } else if (vm->held_length < HV_CONSOLE_SEQUENCE) {
        vm->held[vm->held_length++] = byte;
    } else if (hv_console_is_raw_(console)) {
        return; /* sent already */
    } else if (!vm->held_lost && is_drawn(console, vm)) {
        put(console, vm->held, vm->held_length);
        put(console, &byte, 1);
        vm->passing = true;
    } else {
        vm->held_lost = true;
    }
}

static void finish_sequence(struct hv_console *console, struct hv_console_vm *vm)
{
    vm->state = GROUND;
    if (!vm->passing && !vm->held_lost) {
        pass(console, vm, vm->held, vm->held_length);
    }
    vm->passing = false;
}

static void add_to_escape(struct hv_console *console, struct hv_console_vm *vm, uint8_t byte)
{
    bool is_first = vm->held_length == 1U;

    hold(console, vm, (char)byte);
    if (byte >= 0x20U && byte <= 0x2fU) {
        return; /* intermediate */
    }
    if (is_first && byte == '[') {
        vm->state = CSI;
    } else if (is_first && (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_')) {
        vm->state = STRING;
    } else {
        if (is_first) {
            apply_escape(vm, byte);
        }
        finish_sequence(console, vm);
    }
}

static void add_to_csi(struct hv_console *console, struct hv_console_vm *vm, uint8_t byte)
{
    hold(console, vm, (char)byte);
    if (byte >= '0' && byte <= '9') {
        /* The last one of several; those that matter here have one. */
        vm->parameter = vm->parameter < 1000U ? (uint16_t)(vm->parameter * 10U + (byte - '0')) : 1000U;
    } else if (byte == ';') {
        vm->parameter = 0;
    } else if (byte >= 0x40U) {
        apply_csi(vm, byte);
        finish_sequence(console, vm);
    }
}

static void add_to_string(struct hv_console *console, struct hv_console_vm *vm, uint8_t byte)
{
    bool is_end = byte == '\a' || (vm->state == STRING_ESCAPE && byte == '\\');

    hold(console, vm, (char)byte);
    if (is_end) {
        finish_sequence(console, vm);
    } else {
        vm->state = byte == ESC ? STRING_ESCAPE : STRING;
    }
}

/** @byte comes while a sequence is open. False: it does not belong to it; the sequence is dropped. */
static bool add_to_sequence(struct hv_console *console, struct hv_console_vm *vm, uint8_t byte)
{
    bool is_string = vm->state == STRING || vm->state == STRING_ESCAPE;

    /* A string too long to hold may have lines (sixel graphics); one that is held, or nobody sees, ends with
     * its line: else one ESC ] would silence a VM for good. */
    if (is_string && byte != 0x18U && byte != 0x1aU &&
        (byte >= 0x20U || byte == '\a' || byte == ESC || vm->passing || hv_console_is_raw_(console))) {
        add_to_string(console, vm, byte);
        return true;
    }
    if (is_string || byte < 0x20U || byte >= 0x7fU) {
        drop_sequence(console, vm);
        return false;
    }
    if (vm->state == CSI) {
        add_to_csi(console, vm, byte);
    } else {
        add_to_escape(console, vm, byte);
    }
    return true;
}

/* ---- Output ---- */

static void add_in_ground(struct hv_console *console, struct hv_console_vm *vm, uint8_t byte)
{
    bool is_answered = vm->line_ended && byte == '\n';

    vm->line_ended = false;
    if (is_answered) {
        return;
    }
    if (byte == '\n') {
        if (!vm->begun) {
            begin_line(console, vm);
        }
        end_line(console, vm);
    } else if (byte == ESC) {
        begin_line(console, vm);
        begin_sequence(vm);
        hold(console, vm, (char)byte);
    } else if (byte == '\t' || (byte >= 0x20U && byte != 0x7fU)) {
        begin_line(console, vm);
        add_text(console, vm, (char)byte);
    } else {
        add_control(console, vm, (char)byte);
    }
}

static void show_raw(struct hv_console *console, struct hv_console_vm *vm, uint8_t byte)
{
    bool was_broken = vm->state != GROUND && vm->held_lost;
    bool is_part = vm->state != GROUND && add_to_sequence(console, vm, byte);

    if (!was_broken || !is_part) {
        put(console, (const char *)&byte, 1);
    }
    if (!is_part) {
        add_in_ground(console, vm, byte);
    }
}

void hv_console_show_(struct hv_console *console, struct hv_console_vm *vm, uint8_t byte)
{
    if (hv_console_is_raw_(console)) {
        show_raw(console, vm, byte);
    } else if (vm->state == GROUND || !add_to_sequence(console, vm, byte)) {
        add_in_ground(console, vm, byte);
    }
}

void hv_console_finish_line_(struct hv_console *console, struct hv_console_vm *vm)
{
    if (vm == hv_console_front_(console)) {
        abort_raw(console, vm);
    }
    drop_sequence(console, vm);
    if (vm->begun) {
        if (vm == hv_console_front_(console) && hv_console_is_raw_(console)) {
            put_string(console, "\r\n");
        }
        end_line(console, vm);
    }
    vm->line_ended = false;
}

void hv_console_forget_line_(struct hv_console_vm *vm)
{
    forget_line(vm);
    vm->state = GROUND;
    vm->line_ended = false;
}

void hv_console_release_sequence_(struct hv_console *console, struct hv_console_vm *vm)
{
    if (vm->state != GROUND && !vm->held_lost) {
        put(console, vm->held, vm->held_length);
    }
}
