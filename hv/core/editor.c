/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/editor.h"

#include <libbase/compiler.h>
#include <libbase/mem.h>

#include "core/format.h"

enum { PLAIN, ESCAPE, SEQUENCE, SINGLE_SHIFT };

#define CTRL(letter) ((uint8_t)(letter)&0x1fU)
#define ESC          0x1bU
#define DEL          0x7fU

void hv_editor_init(struct hv_editor *editor, const char *prompt)
{
    memset(editor, 0, offsetof(struct hv_editor, typed));
    editor->prompt = prompt;
}

/* ---- The line ---------------------------------------------------------------------------------------------------- */

static void set_line(struct hv_editor *editor, const char *text)
{
    size_t length = 0;

    for (; length < HV_EDITOR_LINE - 1U && text[length] != '\0'; length++) {
        editor->line[length] = text[length];
    }
    editor->line[length] = '\0';
    editor->length = (uint16_t)length;
    editor->cursor = (uint16_t)length;
}

static bool insert(struct hv_editor *editor, char c)
{
    if (editor->length == HV_EDITOR_LINE - 1U) {
        return false;
    }
    memmove(&editor->line[editor->cursor + 1U], &editor->line[editor->cursor],
            (size_t)(editor->length - editor->cursor) + 1U);
    editor->line[editor->cursor++] = c;
    editor->length++;
    return true;
}

/** Take out what stands from @from to the cursor. */
static void cut(struct hv_editor *editor, uint16_t from)
{
    memmove(&editor->line[from], &editor->line[editor->cursor],
            (size_t)(editor->length - editor->cursor) + 1U);
    editor->length = (uint16_t)(editor->length - (editor->cursor - from));
    editor->cursor = from;
}

static void cut_word(struct hv_editor *editor)
{
    uint16_t from = editor->cursor;

    while (from > 0U && editor->line[from - 1U] == ' ') {
        from--;
    }
    while (from > 0U && editor->line[from - 1U] != ' ') {
        from--;
    }
    cut(editor, from);
}

static void move(struct hv_editor *editor, bool right)
{
    if (right && editor->cursor < editor->length) {
        editor->cursor++;
    } else if (!right && editor->cursor > 0U) {
        editor->cursor--;
    }
}

static void cut_right(struct hv_editor *editor)
{
    if (editor->cursor < editor->length) {
        editor->cursor++;
        cut(editor, (uint16_t)(editor->cursor - 1U));
    }
}

void hv_editor_insert(struct hv_editor *editor, const char *text)
{
    while (*text != '\0' && insert(editor, *text)) {
        text++;
    }
}

/* ---- History ----------------------------------------------------------------------------------------------------- */

static char *entered(struct hv_editor *editor, uint32_t back)
{
    return editor->history[(editor->lines - back) % HV_EDITOR_HISTORY];
}

static void recall(struct hv_editor *editor, bool older)
{
    uint32_t most = editor->lines < HV_EDITOR_HISTORY ? editor->lines : HV_EDITOR_HISTORY;

    if (older ? editor->back >= most : editor->back == 0U) {
        return;
    }
    if (editor->back == 0U) {
        memcpy(editor->typed, editor->line, sizeof(editor->typed));
    }
    editor->back = older ? editor->back + 1U : editor->back - 1U;
    set_line(editor, editor->back == 0U ? editor->typed : entered(editor, editor->back));
}

void hv_editor_accept(struct hv_editor *editor)
{
    bool is_new = editor->lines == 0U || memcmp(entered(editor, 1), editor->line, editor->length + 1U) != 0;

    if (editor->length > 0U && is_new) {
        memcpy(editor->history[editor->lines % HV_EDITOR_HISTORY], editor->line, sizeof(editor->line));
        editor->lines++;
    }
    editor->back = 0;
    set_line(editor, "");
}

/* ---- The screen -------------------------------------------------------------------------------------------------- */

void hv_editor_draw(const struct hv_editor *editor, char *echo)
{
    /* A line that wraps could not be drawn over: of a long one a part is seen, with the cursor in it. */
    size_t from = editor->cursor > HV_EDITOR_WINDOW ? (size_t)editor->cursor - HV_EDITOR_WINDOW : 0U;
    size_t size = editor->length - from < HV_EDITOR_WINDOW ? editor->length - from : HV_EDITOR_WINDOW;
    size_t at =
        hv_format(echo, HV_EDITOR_ECHO, "\r%s%.*s\x1b[K", editor->prompt, (int)size, &editor->line[from]);

    if (from + size > editor->cursor) {
        (void)hv_format(&echo[at], HV_EDITOR_ECHO - at, "\x1b[%uD", (unsigned)(from + size - editor->cursor));
    }
}

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

/** The last byte of ESC [ parameter final, or of ESC O final. */
static void obey_sequence(struct hv_editor *editor, uint8_t final)
{
    static const char tilde[] = "?H?3F??HF"; /* 1 and 7 home, 4 and 8 end, 3 delete */
    uint8_t key = final;

    if (final == '~') {
        key = editor->parameter < sizeof(tilde) - 1U ? (uint8_t)tilde[editor->parameter] : '?';
    }
    switch (key) {
    case 'A':
    case 'B':
        recall(editor, key == 'A');
        break;
    case 'C':
    case 'D':
        move(editor, key == 'C');
        break;
    case 'H':
        editor->cursor = 0;
        break;
    case 'F':
        editor->cursor = editor->length;
        break;
    case '3':
        cut_right(editor);
        break;
    default:
        break;
    }
}

static void in_sequence(struct hv_editor *editor, uint8_t key)
{
    if (editor->state == ESCAPE) {
        editor->state = key == '[' ? SEQUENCE : key == 'O' ? SINGLE_SHIFT : PLAIN;
        editor->parameter = 0;
    } else if (editor->state == SEQUENCE && key >= '0' && key <= '9') {
        editor->parameter = (uint8_t)(editor->parameter < 20U ? editor->parameter * 10U + (key - '0') : 200U);
    } else if (key >= 0x40U && key < 0x7fU) {
        editor->state = PLAIN;
        obey_sequence(editor, key);
    }
}

static void obey_control(struct hv_editor *editor, uint8_t key)
{
    switch (key) {
    case CTRL('a'):
        editor->cursor = 0;
        break;
    case CTRL('e'):
        editor->cursor = editor->length;
        break;
    case CTRL('b'):
    case CTRL('f'):
        move(editor, key == CTRL('f'));
        break;
    case CTRL('p'):
    case CTRL('n'):
        recall(editor, key == CTRL('p'));
        break;
    case CTRL('u'):
        cut(editor, 0);
        break;
    case CTRL('k'):
        editor->length = editor->cursor;
        editor->line[editor->length] = '\0';
        break;
    case CTRL('w'):
        cut_word(editor);
        break;
    case CTRL('d'):
        cut_right(editor);
        break;
    case CTRL('h'):
    case DEL:
        if (editor->cursor > 0U) {
            cut(editor, (uint16_t)(editor->cursor - 1U));
        }
        break;
    case ESC:
        editor->state = ESCAPE;
        break;
    default:
        break;
    }
}

enum hv_editor_event hv_editor_key(struct hv_editor *editor, uint8_t key, char *echo)
{
    bool was_return = editor->was_return;

    echo[0] = '\0';
    editor->was_return = key == '\r';
    if (key == CTRL('c')) {
        editor->state = PLAIN;
        editor->back = 0;
        set_line(editor, "");
        (void)hv_format(echo, HV_EDITOR_ECHO, "^C\r\n");
        return HV_EDITOR_CANCEL;
    }
    if (key == '\r' || key == '\n') {
        editor->state = PLAIN;
        if (key == '\n' && was_return) {
            return HV_EDITOR_NOTHING;
        }
        (void)hv_format(echo, HV_EDITOR_ECHO, "\r\n");
        return HV_EDITOR_ENTER;
    }
    if (editor->state != PLAIN) {
        in_sequence(editor, key);
    } else if (key == '\t') {
        return HV_EDITOR_COMPLETE;
    } else if (key >= 0x20U && key < DEL) {
        if (insert(editor, (char)key) && editor->cursor == editor->length &&
            editor->length <= HV_EDITOR_WINDOW) {
            (void)hv_format(echo, HV_EDITOR_ECHO, "%c", key);
            return HV_EDITOR_NOTHING;
        }
    } else {
        obey_control(editor, key);
    }
    if (editor->state == PLAIN) {
        hv_editor_draw(editor, echo);
    }
    return HV_EDITOR_NOTHING;
}
