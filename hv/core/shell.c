/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/shell.h"

#include <libbase/mem.h>

#include "core/format.h"
#include "core/hv.h"

#define PROMPT    "ashlar> "
#define KEYS      64U /* a step takes at most */
#define ROWS      8U  /* likewise */
#define CTRL_C    0x03U
#define WORD_SIZE 48U

static void show(struct hv *hv, const char *text)
{
    hv_lock(&hv->console_lock);
    for (; *text != '\0'; text++) {
        (void)hv_console_output(&hv->console, HV_CONSOLE_SHELL, (uint8_t)*text);
    }
    hv_unlock(&hv->console_lock);
}

static void show_prompt(struct hv_shell *shell, struct hv *hv)
{
    hv_editor_draw(&shell->editor, shell->echo);
    show(hv, shell->echo);
}

void hv_shell_greet(struct hv_shell *shell, struct hv *hv)
{
    show_prompt(shell, hv);
}

void hv_shell_init(struct hv_shell *shell)
{
    shell->runs = false; /* until then the rest is not read */
    hv_editor_init(&shell->editor, PROMPT);
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

/** The answer is in one piece: hv's own lines come before it or behind it. */
static void set_running(struct hv_shell *shell, struct hv *hv, bool runs)
{
    shell->runs = runs;
    hv_lock(&hv->console_lock);
    hv_console_answer(&hv->console, runs);
    hv_unlock(&hv->console_lock);
}

static void finish(struct hv_shell *shell, struct hv *hv)
{
    show_prompt(shell, hv);
    set_running(shell, hv, false);
}

static void begin(struct hv_shell *shell, struct hv_cpu *cpu)
{
    char line[HV_EDITOR_LINE];

    memcpy(line, shell->editor.line, sizeof(line));
    hv_editor_accept(&shell->editor);
    if (!hv_call_begin(&shell->call, cpu, line)) {
        (void)hv_form_error(&shell->call.form, shell->call.problem,
                            shell->call.allowed[0] != '\0' ? shell->call.allowed : NULL, shell->text);
        show(cpu->hv, shell->text);
        finish(shell, cpu->hv);
        return;
    }
    if (shell->call.command == NULL) {
        show_prompt(shell, cpu->hv);
    } else {
        set_running(shell, cpu->hv, true);
    }
}

/** Rows of the answer, as far as they find room. True: there are more, and room. */
static bool answer(struct hv_shell *shell, struct hv_cpu *cpu)
{
    struct hv *hv = cpu->hv;

    for (unsigned i = 0; i < ROWS && shell->runs; i++) {
        bool has_room;
        bool is_cancelled;

        hv_lock(&hv->console_lock);
        has_room = hv_console_room_of(&hv->console, HV_CONSOLE_SHELL) >= HV_RECORD_MOST;
        is_cancelled = hv_console_cut_input(&hv->console, HV_CONSOLE_SHELL, CTRL_C);
        if (!has_room) {
            (void)hv_console_has_room(&hv->console, HV_CONSOLE_SHELL);
        }
        hv_unlock(&hv->console_lock);
        if (is_cancelled) {
            show(hv, "^C\r\n");
            finish(shell, hv);
            return true;
        }
        if (!has_room) {
            return false;
        }
        shell->runs = hv_call_step(&shell->call, &shell->record, shell->text);
        show(hv, shell->text);
        if (!shell->runs) {
            finish(shell, hv);
        }
    }
    return shell->runs;
}

/* ---- Completion -------------------------------------------------------------------------------------------------- */

/** The longest beginning that all @count candidates share. */
static void common_part(struct hv_cpu *cpu, const char *line, uint32_t count, char common[WORD_SIZE])
{
    char word[WORD_SIZE] = "";

    (void)hv_command_complete(cpu, line, 0, common, WORD_SIZE);
    for (uint32_t i = 1; i < count; i++) {
        size_t same = 0;

        (void)hv_command_complete(cpu, line, i, word, sizeof(word));
        while (common[same] != '\0' && common[same] == word[same]) {
            same++;
        }
        common[same] = '\0';
    }
}

static void show_candidates(struct hv_shell *shell, struct hv_cpu *cpu, const char *line, uint32_t count)
{
    char word[WORD_SIZE] = "";
    size_t at = hv_format(shell->text, sizeof(shell->text), "\r\n");

    for (uint32_t i = 0; i < count && at + 2U * WORD_SIZE < sizeof(shell->text); i++) {
        (void)hv_command_complete(cpu, line, i, word, sizeof(word));
        at += hv_format(&shell->text[at], sizeof(shell->text) - at, "%s%s", i > 0U ? "  " : "", word);
    }
    (void)hv_format(&shell->text[at], sizeof(shell->text) - at, "\r\n");
    show(cpu->hv, shell->text);
}

/** Tab: the words up to the cursor. */
static void complete(struct hv_shell *shell, struct hv_cpu *cpu)
{
    char line[HV_EDITOR_LINE];
    char common[WORD_SIZE] = "";
    size_t typed = 0;
    uint32_t count;

    memcpy(line, shell->editor.line, sizeof(line));
    line[shell->editor.cursor] = '\0';
    count = hv_command_complete(cpu, line, UINT32_MAX, common, 0);
    if (count == 0U) {
        return;
    }
    common_part(cpu, line, count, common);
    while (typed < shell->editor.cursor && line[shell->editor.cursor - 1U - typed] != ' ') {
        typed++;
    }
    if (common[typed] != '\0') {
        hv_editor_insert(&shell->editor, &common[typed]);
    } else if (count > 1U) {
        show_candidates(shell, cpu, line, count);
    }
    if (count == 1U) {
        hv_editor_insert(&shell->editor, " ");
    }
    show_prompt(shell, cpu->hv);
}

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

static void obey(struct hv_shell *shell, struct hv_cpu *cpu, uint8_t key)
{
    enum hv_editor_event event = hv_editor_key(&shell->editor, key, shell->echo);

    show(cpu->hv, shell->echo);
    if (event == HV_EDITOR_ENTER) {
        begin(shell, cpu);
    } else if (event == HV_EDITOR_COMPLETE) {
        complete(shell, cpu);
    } else if (event == HV_EDITOR_CANCEL) {
        show_prompt(shell, cpu->hv);
    }
}

bool hv_shell_step(struct hv_shell *shell, struct hv_cpu *cpu)
{
    struct hv *hv = cpu->hv;

    for (unsigned i = 0; i < KEYS && !shell->runs; i++) {
        int key;

        hv_lock(&hv->console_lock);
        key = hv_console_take_input(&hv->console, HV_CONSOLE_SHELL);
        hv_unlock(&hv->console_lock);
        if (key < 0) {
            return false;
        }
        obey(shell, cpu, (uint8_t)key);
    }
    return answer(shell, cpu) || !shell->runs;
}
