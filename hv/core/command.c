/* SPDX-License-Identifier: BSD-2-Clause */
/* The table, what is typed against it, and how an answer becomes text. */
#include "core/command.h"

#include <stdarg.h>

#include <libbase/mem.h>

#include "core/format.h"
#include "core/hv.h"
#include "core/life.h"

static const char *const level_words[] = {"errors", "info", NULL};
static const char *const trace_words[] = {"dump", "on", "off", NULL};
static const char *const mem_words[] = {"map", "pool", NULL};

const struct hv_command hv_commands[] = {
    {"vm", "list", HV_ARGUMENT_NONE, NULL, true, 0, hv_command_vm_list, "all VMs and their states"},
    {"vm", "show", HV_ARGUMENT_VM, NULL, false, 0, hv_command_vm_show, "one VM"},
    {"vm", "devices", HV_ARGUMENT_VM_OPTIONAL, NULL, true, 0, hv_command_vm_devices,
     "the virtio devices of VMs, and what they have done"},
    {"vm", "create", HV_ARGUMENT_VM, NULL, false, HV_LIFE_CREATE, hv_command_vm_life,
     "give it memory, CPUs and a machine; it does not run yet"},
    {"vm", "start", HV_ARGUMENT_VM, NULL, false, HV_LIFE_START, hv_command_vm_life,
     "run it from pristine images"},
    {"vm", "pause", HV_ARGUMENT_VM, NULL, false, HV_LIFE_PAUSE, hv_command_vm_life,
     "its vCPUs leave their CPUs and stay as they are"},
    {"vm", "resume", HV_ARGUMENT_VM, NULL, false, HV_LIFE_RESUME, hv_command_vm_life, "a paused one goes on"},
    {"vm", "restart", HV_ARGUMENT_VM, NULL, false, HV_LIFE_RESTART, hv_command_vm_life,
     "as if power were cut and came back"},
    {"vm", "shutdown", HV_ARGUMENT_VM, NULL, false, HV_LIFE_SHUTDOWN, hv_command_vm_life,
     "press its power key; off by force after shutdown-timeout-ms"},
    {"vm", "off", HV_ARGUMENT_VM, NULL, false, HV_LIFE_POWER_OFF, hv_command_vm_life, "off by force, now"},
    {"vm", "destroy", HV_ARGUMENT_VM, NULL, false, HV_LIFE_DESTROY, hv_command_vm_life,
     "off by force, and all that it has is given back"},
    {"vm", "attach", HV_ARGUMENT_VM, NULL, false, 0, hv_command_vm_attach, "this terminal to that VM"},
    {"vm", "resize", HV_ARGUMENT_VM_SIZE, NULL, false, 0, hv_command_vm_resize,
     "say how large the terminal of its virtio console is"},
    {NULL, "stats", HV_ARGUMENT_VM_OPTIONAL, NULL, true, 0, hv_command_stats,
     "of each vCPU its exits by reason, and its time in ms"},
    {NULL, "irq", HV_ARGUMENT_VM_OPTIONAL, NULL, true, 0, hv_command_irq,
     "the interrupts of VMs: those of devices and timers, enabled, pending and active ones"},
    {NULL, "mem", HV_ARGUMENT_WORD, mem_words, true, 0, hv_command_mem,
     "who owns which memory (map); hv's page pool (pool)"},
    {NULL, "cpu", HV_ARGUMENT_NONE, NULL, true, 0, hv_command_cpu, "the CPUs, and who runs on them"},
    {NULL, "trace", HV_ARGUMENT_WORD, trace_words, true, 0, hv_command_trace,
     "the flight recorder: its events (dump), stop it and go on (off, on)"},
    {"switch", "ports", HV_ARGUMENT_VM_OPTIONAL, NULL, true, 0, hv_command_switch_ports,
     "the switches between VMs: who is plugged in where"},
    {"switch", "counts", HV_ARGUMENT_VM_OPTIONAL, NULL, true, 0, hv_command_switch_counts,
     "of each port what is not zero: frames sent, received, and lost for what"},
    {"switch", "addresses", HV_ARGUMENT_VM_OPTIONAL, NULL, true, 0, hv_command_switch_addresses,
     "which MAC address is at which port, and for how long it was not heard"},
    {"switch", "link-down", HV_ARGUMENT_VM_DEVICE, NULL, false, 0, hv_command_switch_link,
     "pull that VM's network cables, or that of one device"},
    {"switch", "link-up", HV_ARGUMENT_VM_DEVICE, NULL, false, 1, hv_command_switch_link,
     "plug them in, or that of one device"},
    {"log", "level", HV_ARGUMENT_WORD, level_words, false, 0, hv_command_log,
     "which of hv's own lines are shown"},
    {NULL, "version", HV_ARGUMENT_NONE, NULL, false, 0, hv_command_version, "hv and its board"},
    {NULL, "help", HV_ARGUMENT_COMMAND, NULL, true, 0, hv_command_help,
     "the commands; help COMMAND: one of them"},
    {NULL, NULL, HV_ARGUMENT_NONE, NULL, false, 0, NULL, NULL},
};

/* ---- Words ------------------------------------------------------------------------------------------------------- */

struct words {
    char text[HV_COMMAND_WORDS][48];
    uint32_t count;
    bool is_long; /* more or longer words than any command has */
};

static bool equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static bool begins(const char *word, const char *prefix)
{
    while (*prefix != '\0' && *word == *prefix) {
        word++;
        prefix++;
    }
    return *prefix == '\0';
}

static void split(const char *line, struct words *words)
{
    memset(words, 0, sizeof(*words));
    while (*line != '\0') {
        size_t size = 0;

        while (*line == ' ') {
            line++;
        }
        while (line[size] != '\0' && line[size] != ' ') {
            size++;
        }
        if (size == 0U) {
            return;
        }
        if (words->count == HV_COMMAND_WORDS || size >= sizeof(words->text[0])) {
            words->is_long = true;
            return;
        }
        memcpy(words->text[words->count++], line, size);
        line += size;
    }
}

static void take_out(struct words *words, uint32_t which)
{
    for (uint32_t i = which; i + 1U < words->count; i++) {
        memcpy(words->text[i], words->text[i + 1U], sizeof(words->text[i]));
    }
    words->count--;
    memset(words->text[words->count], 0, sizeof(words->text[0]));
}

/* ---- What is wrong, and what is allowed -------------------------------------------------------------------------- */

enum hv_command_step hv_call_fail(struct hv_call *call, const char *allowed, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)hv_vformat(call->problem, sizeof(call->problem), format, args);
    va_end(args);
    if (allowed != NULL) {
        (void)hv_format(call->allowed, sizeof(call->allowed), "%s", allowed);
    }
    return HV_STEP_ERROR;
}

/** One more word that would have been right. */
static void allow(struct hv_call *call, const char *word)
{
    size_t length = hv_text_length(call->allowed);

    (void)hv_format(&call->allowed[length], sizeof(call->allowed) - length, "%s%s", length > 0U ? " " : "",
                    word);
}

/** The first words of all commands, or the second ones of @group, each once; @index: of them, NULL: no such. */
static const char *head_word(const char *group, uint32_t index)
{
    const char *last = NULL;

    for (const struct hv_command *c = hv_commands; c->name != NULL; c++) {
        const char *word = group == NULL && c->group != NULL ? c->group : c->name;

        if (group != NULL && (c->group == NULL || !equal(c->group, group))) {
            continue;
        }
        if (last != NULL && equal(last, word)) {
            continue; /* a group's stand together */
        }
        last = word;
        if (index-- == 0U) {
            return word;
        }
    }
    return NULL;
}

static void allow_heads(struct hv_call *call, const char *group)
{
    const char *word;

    for (uint32_t i = 0; (word = head_word(group, i)) != NULL; i++) {
        allow(call, word);
    }
}

/* ---- Arguments --------------------------------------------------------------------------------------------------- */

static bool find_vm(struct hv_call *call, const char *word)
{
    const struct hv *hv = call->cpu->hv;
    uint32_t count = hv_life_count(hv);
    uint32_t number = 0;

    for (uint32_t i = 0; i < count; i++) {
        const char *name = hv_life_vm_name(hv, i);

        if (name != NULL && equal(name, word)) {
            call->vm = i;
            return true;
        }
    }
    for (const char *c = word; *c >= '0' && *c <= '9' && number < 1000U; c++) {
        number = number * 10U + (uint32_t)(*c - '0');
        if (c[1] == '\0' && number >= 1U && number <= count && hv_life_vm_name(hv, number - 1U) != NULL) {
            call->vm = number - 1U;
            return true;
        }
    }
    return false;
}

static bool parse_vm(struct hv_call *call, const char *word)
{
    if (find_vm(call, word)) {
        return true;
    }
    if (word[0] == '\0') {
        (void)hv_call_fail(call, NULL, "which VM?");
    } else {
        (void)hv_call_fail(call, NULL, "there is no VM %s", word);
    }
    for (uint32_t i = 0; i < hv_life_count(call->cpu->hv); i++) {
        if (hv_life_vm_name(call->cpu->hv, i) != NULL) {
            allow(call, hv_life_vm_name(call->cpu->hv, i));
        }
    }
    return false;
}

static bool parse_word(struct hv_call *call, const char *word)
{
    for (uint32_t i = 0; call->command->words[i] != NULL; i++) {
        if (equal(call->command->words[i], word)) {
            call->word = i;
            return true;
        }
    }
    (void)hv_call_fail(call, NULL, "%s is not known here", word);
    for (uint32_t i = 0; call->command->words[i] != NULL; i++) {
        allow(call, call->command->words[i]);
    }
    return false;
}

/** A number up to 65535 at @word, and behind it @end; what is behind that, NULL: it is not so. */
static const char *parse_number(const char *word, char end, uint32_t *number)
{
    const char *at = word;

    *number = 0;
    for (; *at >= '0' && *at <= '9' && *number <= UINT16_MAX; at++) {
        *number = *number * 10U + (uint32_t)(*at - '0');
    }
    return at != word && *number <= UINT16_MAX && *at == end ? at + 1 : NULL;
}

static bool parse_size(struct hv_call *call, const char *word)
{
    const char *rows = parse_number(word, 'x', &call->columns);

    if (rows != NULL && parse_number(rows, '\0', &call->rows) != NULL && call->columns > 0U &&
        call->rows > 0U) {
        return true;
    }
    if (word[0] == '\0') {
        (void)hv_call_fail(call, NULL, "how large?");
    } else {
        (void)hv_call_fail(call, NULL, "%s is no size", word);
    }
    allow(call, "COLUMNSxROWS, as 132x43");
    return false;
}

static bool parse_device(struct hv_call *call, const char *word)
{
    if (parse_number(word, '\0', &call->device) != NULL) {
        return true;
    }
    (void)hv_call_fail(call, "its number, as \"switch ports\" and \"vm devices\" have it", "%s is no device",
                       word);
    return false;
}

/** The command that @words begin with, and how many of them that are; NULL: none. */
static const struct hv_command *find_command(const struct words *words, uint32_t from, uint32_t *used)
{
    for (const struct hv_command *c = hv_commands; c->name != NULL; c++) {
        uint32_t need = c->group != NULL ? 2U : 1U;

        if (words->count >= from + need && (c->group == NULL || equal(c->group, words->text[from])) &&
            equal(c->name, words->text[from + need - 1U])) {
            *used = need;
            return c;
        }
    }
    return NULL;
}

static const char *group_of(const char *word)
{
    for (const struct hv_command *c = hv_commands; c->name != NULL; c++) {
        if (c->group != NULL && equal(c->group, word)) {
            return c->group;
        }
    }
    return NULL;
}

/** help: of a command, or of a group. */
static bool parse_about(struct hv_call *call, const struct words *words, uint32_t *at)
{
    uint32_t used = 0;

    call->about = find_command(words, *at, &used);
    call->about_group = call->about == NULL ? group_of(words->text[*at]) : NULL;
    if (call->about == NULL && (call->about_group == NULL || words->count > *at + 1U)) {
        (void)hv_call_fail(call, NULL, "there is no command %s", words->text[words->count - 1U]);
        allow_heads(call, call->about_group);
        return false;
    }
    *at += call->about != NULL ? used : 1U;
    return true;
}

static bool parse_arguments(struct hv_call *call, const struct words *words, uint32_t at)
{
    bool is_given = words->count > at;

    switch (call->command->argument) {
    case HV_ARGUMENT_VM:
    case HV_ARGUMENT_VM_OPTIONAL:
        if ((is_given || call->command->argument == HV_ARGUMENT_VM) && !parse_vm(call, words->text[at])) {
            return false;
        }
        at++;
        break;
    case HV_ARGUMENT_VM_SIZE:
        if (!parse_vm(call, words->text[at]) || !parse_size(call, words->text[at + 1U])) {
            return false;
        }
        at += 2U;
        break;
    case HV_ARGUMENT_VM_DEVICE:
        if (!parse_vm(call, words->text[at]) ||
            (words->count > at + 1U && !parse_device(call, words->text[at + 1U]))) {
            return false;
        }
        at += 2U;
        break;
    case HV_ARGUMENT_WORD:
        if (is_given && !parse_word(call, words->text[at])) {
            return false;
        }
        at++;
        break;
    case HV_ARGUMENT_COMMAND:
        if (is_given && !parse_about(call, words, &at)) {
            return false;
        }
        break;
    case HV_ARGUMENT_NONE:
    default:
        break;
    }
    if (words->count > at) {
        (void)hv_call_fail(call,
                           call->command->argument == HV_ARGUMENT_NONE ? "nothing, or --json" : "--json",
                           "%s is too much", words->text[at]);
        return false;
    }
    return true;
}

/** The words that begin with "--". */
static bool parse_options(struct hv_call *call, struct words *words)
{
    for (uint32_t i = words->count; i-- > 0U;) {
        if (!begins(words->text[i], "--")) {
            continue;
        }
        if (!equal(words->text[i], "--json")) {
            (void)hv_call_fail(call, "--json", "there is no option %s", words->text[i]);
            return false;
        }
        call->form.json = true;
        take_out(words, i);
    }
    return true;
}

bool hv_call_begin(struct hv_call *call, struct hv_cpu *cpu, const char *line)
{
    struct words words;
    uint32_t used = 0;
    const char *group;

    memset(call, 0, sizeof(*call));
    call->cpu = cpu;
    call->vm = UINT32_MAX;
    call->word = UINT32_MAX;
    call->device = UINT32_MAX;
    split(line, &words);
    if (words.is_long) {
        (void)hv_call_fail(call, "six words, of 47 characters each", "this is longer than any command");
        return false;
    }
    if (!parse_options(call, &words)) {
        return false;
    }
    if (words.count == 0U) {
        return true;
    }
    call->command = find_command(&words, 0, &used);
    if (call->command != NULL) {
        call->form.is_table = call->command->is_table;
        return parse_arguments(call, &words, used);
    }
    group = group_of(words.text[0]);
    if (group == NULL) {
        (void)hv_call_fail(call, NULL, "there is no command %s", words.text[0]);
    } else if (words.count < 2U) {
        (void)hv_call_fail(call, NULL, "%s what?", group);
    } else {
        (void)hv_call_fail(call, NULL, "there is no command %s %s", group, words.text[1]);
    }
    allow_heads(call, group);
    return false;
}

bool hv_call_step(struct hv_call *call, struct hv_record *record, char *buffer)
{
    record->count = 0;
    switch (call->command->step(call, record)) {
    case HV_STEP_ROW:
        (void)hv_form_row(&call->form, record, buffer);
        return true;
    case HV_STEP_ERROR:
        (void)hv_form_error(&call->form, call->problem, call->allowed[0] != '\0' ? call->allowed : NULL,
                            buffer);
        return false;
    case HV_STEP_END:
    default:
        (void)hv_form_end(&call->form, buffer);
        return false;
    }
}

/* ---- Completion -------------------------------------------------------------------------------------------------- */

/** Candidate @index of what may follow the words before the last one; NULL: there are no more. */
static const char *candidate(struct hv_cpu *cpu, const struct words *words, uint32_t index)
{
    const struct hv_command *command;
    uint32_t used = 0;

    if (words->count == 0U) {
        return head_word(NULL, index);
    }
    command = find_command(words, 0, &used);
    if (command == NULL) {
        return words->count == 1U && group_of(words->text[0]) != NULL ? head_word(words->text[0], index)
                                                                      : NULL;
    }
    if (command->argument == HV_ARGUMENT_COMMAND && words->count <= used + 1U) {
        const char *group = words->count == used + 1U ? group_of(words->text[used]) : NULL;

        return words->count == used || group != NULL ? head_word(group, index) : NULL;
    }
    if (words->count > used) {
        return NULL;
    }
    if (command->argument == HV_ARGUMENT_VM || command->argument == HV_ARGUMENT_VM_OPTIONAL ||
        command->argument == HV_ARGUMENT_VM_SIZE || command->argument == HV_ARGUMENT_VM_DEVICE) {
        return index < hv_life_count(cpu->hv)
                   ? (hv_life_vm_name(cpu->hv, index) != NULL ? hv_life_vm_name(cpu->hv, index) : "")
                   : NULL;
    }
    if (command->argument == HV_ARGUMENT_WORD) {
        for (uint32_t i = 0; i <= index; i++) {
            if (command->words[i] == NULL) {
                return NULL;
            }
        }
        return command->words[index];
    }
    return NULL;
}

uint32_t hv_command_complete(struct hv_cpu *cpu, const char *line, uint32_t index, char *word, size_t size)
{
    struct words words;
    char last[sizeof(words.text[0])] = "";
    uint32_t found = 0;
    size_t length = hv_text_length(line);
    const char *text;

    split(line, &words);
    if (words.is_long) {
        return 0;
    }
    if (words.count > 0U && line[length - 1U] != ' ') {
        memcpy(last, words.text[words.count - 1U], sizeof(last));
        take_out(&words, words.count - 1U);
    }
    if (last[0] == '-') {
        if (begins("--json", last) && words.count > 0U) {
            (void)hv_format(word, index == 0U ? size : 0U, "--json");
            return 1;
        }
        return 0;
    }
    for (uint32_t i = 0; (text = candidate(cpu, &words, i)) != NULL; i++) {
        if (text[0] != '\0' && begins(text, last)) {
            (void)hv_format(word, found == index ? size : 0U, "%s", text);
            found++;
        }
    }
    return found;
}

/* ---- help -------------------------------------------------------------------------------------------------------- */

/** What may stand behind the command's name. */
static void write_usage(const struct hv_command *command, char *text, size_t size)
{
    static const char *const arguments[] = {
        [HV_ARGUMENT_NONE] = "",
        [HV_ARGUMENT_VM] = " VM",
        [HV_ARGUMENT_VM_OPTIONAL] = " [VM]",
        [HV_ARGUMENT_COMMAND] = " [COMMAND]",
        [HV_ARGUMENT_VM_SIZE] = " VM COLUMNSxROWS",
        [HV_ARGUMENT_VM_DEVICE] = " VM [DEVICE]",
        [HV_ARGUMENT_WORD] = " [",
    };
    size_t at = hv_format(text, size, "%s", arguments[command->argument]);

    for (uint32_t i = 0; command->argument == HV_ARGUMENT_WORD && command->words[i] != NULL && at < size;
         i++) {
        at += hv_format(&text[at], size - at, "%s%s", command->words[i],
                        command->words[i + 1U] != NULL ? "|" : "]");
    }
}

enum hv_command_step hv_command_help(struct hv_call *call, struct hv_record *record)
{
    const struct hv_command *command = &hv_commands[call->at[0]];
    char usage[32];

    while (command->name != NULL &&
           ((call->about != NULL && command != call->about) ||
            (call->about_group != NULL &&
             (command->group == NULL || !equal(command->group, call->about_group))))) {
        command = &hv_commands[++call->at[0]];
    }
    if (command->name == NULL) {
        return HV_STEP_END;
    }
    call->at[0]++;
    write_usage(command, usage, sizeof(usage));
    hv_record_text(record, "command", 24, "%s%s%s%s", command->group != NULL ? command->group : "",
                   command->group != NULL ? " " : "", command->name, usage);
    hv_record_text(record, "what", 60, "%s", command->help);
    return HV_STEP_ROW;
}
