/* SPDX-License-Identifier: BSD-2-Clause */
/** hv's shell: the editor at one end of the console, the commands behind it. It runs in bounded steps on the CPU that
 *  takes the console's input; its answers stop where the console has no room for them, and go on later.
 *  Lock domain: that CPU's own. */
#ifndef HV_CORE_SHELL_H
#define HV_CORE_SHELL_H

#include "core/command.h"
#include "core/console.h"
#include "core/editor.h"

#define HV_SHELL_RING 16384U /* bytes of its output that wait */

struct hv;

struct hv_shell {
    struct hv_editor editor;
    struct hv_call call;
    struct hv_record record;
    bool runs; /* a command is being answered */
    char text[HV_RECORD_MOST];
    char echo[HV_EDITOR_ECHO];
};

ASH_STATIC_ASSERT(HV_SHELL_RING > HV_RECORD_MOST + 2U * HV_CONSOLE_SLACK, "a record has room");

/** A shell that nobody has typed at. Lock domain: boot. */
void hv_shell_init(struct hv_shell *shell);

/** Show the prompt. No lock is held. */
void hv_shell_greet(struct hv_shell *shell, struct hv *hv);

/** Do what there is to do: keys, rows of an answer. No lock is held. True: there is more, and room for it. */
bool hv_shell_step(struct hv_shell *shell, struct hv_cpu *cpu);

#endif
