/* SPDX-License-Identifier: BSD-2-Clause */
/* The console under hostile guests and any keys, and the shell's line behind it. Input: steps of a kind and a few
 * bytes: output of a slot, keys, the terminal takes some, a VM ends, comes or goes, a line of hv's. */
#include "fuzz.h"

#include <libbase/compiler.h>

#include "core/command.h"
#include "core/console.h"
#include "core/editor.h"
#include "core/hv.h"
#include "core/life.h"

#define RING 256U

static struct hv_console console;
static struct hv_editor editor;
static struct hv hv;
static struct hv_cpu cpu;
static char rings[HV_CONSOLE_SLOTS][RING];
static size_t takes;
static bool wants_room;

/* ---- What the commands would ask of ------------------------------------------------------------------------------ */

static const char *const vm_names[] = {"linux", "linux2", NULL, "a"};

uint32_t hv_life_count(const struct hv *of)
{
    (void)of;
    return ASH_ARRAY_SIZE(vm_names);
}

const char *hv_life_vm_name(const struct hv *of, uint32_t number)
{
    (void)of;
    return number < ASH_ARRAY_SIZE(vm_names) ? vm_names[number] : NULL;
}

#define STEP(name)                                                                                           \
    enum hv_command_step name(struct hv_call *call, struct hv_record *record)                                \
    {                                                                                                        \
        FUZZ_CHECK(call->vm == UINT32_MAX || hv_life_vm_name(&hv, call->vm) != NULL);                        \
        hv_record_number(record, "at", 4, call->at[0]);                                                      \
        return call->at[0]++ < 2U ? HV_STEP_ROW : HV_STEP_END;                                               \
    }
STEP(hv_command_vm_list)
STEP(hv_command_vm_show)
STEP(hv_command_vm_life)
STEP(hv_command_vm_attach)
STEP(hv_command_vm_devices)
STEP(hv_command_vm_resize)
STEP(hv_command_switch_ports)
STEP(hv_command_switch_counts)
STEP(hv_command_switch_addresses)
STEP(hv_command_switch_link)
STEP(hv_command_stats)
STEP(hv_command_irq)
STEP(hv_command_mem)
STEP(hv_command_cpu)
STEP(hv_command_log)
STEP(hv_command_trace)
STEP(hv_command_version)

/* ---- The terminal and the VMs ------------------------------------------------------------------------------------ */

static size_t write_terminal(void *ctx, const char *bytes, size_t size)
{
    (void)ctx;
    FUZZ_CHECK(size > 0U && bytes != NULL);
    size = size < takes ? size : takes;
    takes -= size;
    return size;
}

static void want_room(void *ctx, bool wanted)
{
    (void)ctx;
    FUZZ_CHECK(wanted != wants_room);
    wants_room = wanted;
}

static bool deliver(void *ctx, uint32_t slot, uint8_t byte)
{
    (void)ctx;
    FUZZ_CHECK(slot < HV_CONSOLE_MAX_VMS);
    return byte % 4U != 0U;
}

static void add(uint32_t slot)
{
    ASH_DISCARD(hv_console_add(&console, slot, slot == HV_CONSOLE_SHELL ? "shell" : "vm",
                               rings[slot % HV_CONSOLE_SLOTS], RING));
}

/* ---- The shell's line -------------------------------------------------------------------------------------------- */

static void obey(void)
{
    static struct hv_call call;
    static struct hv_record record;
    static char text[HV_RECORD_MOST];
    char line[HV_EDITOR_LINE];
    unsigned rows = 0;

    memcpy(line, editor.line, sizeof(line));
    hv_editor_accept(&editor);
    if (!hv_call_begin(&call, &cpu, line)) {
        FUZZ_CHECK(call.problem[0] != '\0');
        FUZZ_CHECK(hv_form_error(&call.form, call.problem, call.allowed, text) == strlen(text));
        return;
    }
    while (call.command != NULL && hv_call_step(&call, &record, text)) {
        FUZZ_CHECK(strlen(text) < sizeof(text) && ++rows < 100U);
    }
}

static void complete(void)
{
    char line[HV_EDITOR_LINE];
    char word[48];
    uint32_t count;

    memcpy(line, editor.line, sizeof(line));
    line[editor.cursor] = '\0';
    count = hv_command_complete(&cpu, line, UINT32_MAX, NULL, 0);
    FUZZ_CHECK(count < 64U);
    for (uint32_t i = 0; i < count; i++) {
        word[0] = '\0';
        FUZZ_CHECK(hv_command_complete(&cpu, line, i, word, sizeof(word)) == count && word[0] != '\0');
    }
    if (count == 1U) {
        hv_editor_insert(&editor, word);
    }
}

static void type_at_shell(void)
{
    char echo[HV_EDITOR_ECHO];
    int key = hv_console_take_input(&console, HV_CONSOLE_SHELL);

    for (; key >= 0; key = hv_console_take_input(&console, HV_CONSOLE_SHELL)) {
        enum hv_editor_event event = hv_editor_key(&editor, (uint8_t)key, echo);

        FUZZ_CHECK(strlen(echo) < sizeof(echo) && strlen(editor.line) == editor.length);
        if (event == HV_EDITOR_ENTER) {
            obey();
        } else if (event == HV_EDITOR_COMPLETE) {
            complete();
        }
    }
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

static void check(void)
{
    FUZZ_CHECK(hv_ring_used(&console.out) <= HV_CONSOLE_OUT);
    FUZZ_CHECK(console.focus < HV_CONSOLE_SLOTS);
    FUZZ_CHECK(console.view == console.focus || console.view == HV_CONSOLE_ALL);
    FUZZ_CHECK(wants_room == (hv_ring_used(&console.out) > 0U));
    for (uint32_t slot = 0; slot < HV_CONSOLE_SLOTS; slot++) {
        const struct hv_console_vm *vm = &console.vm[slot];

        FUZZ_CHECK(vm->column <= vm->length && vm->length <= HV_CONSOLE_LINE);
        FUZZ_CHECK(hv_ring_used(&vm->output) <= vm->output.size);
        FUZZ_CHECK(vm->input_head - vm->input_tail <= HV_CONSOLE_INPUT);
    }
}

static void some_output(struct fuzz_input *in, uint32_t slot)
{
    for (unsigned count = fuzz_u8(in) % 64U; count > 0U && fuzz_more(in); count--) {
        bool has_slack = slot < HV_CONSOLE_SLOTS && hv_ring_free(&console.vm[slot].output) > HV_CONSOLE_SLACK;
        uint64_t lost = slot < HV_CONSOLE_SLOTS ? console.vm[slot].lost : 0U;

        (void)hv_console_output(&console, slot, fuzz_u8(in));
        if (has_slack) {
            FUZZ_CHECK(console.vm[slot].lost == lost);
        }
    }
}

static void some_keys(struct fuzz_input *in)
{
    for (unsigned count = fuzz_u8(in) % 64U; count > 0U && fuzz_more(in); count--) {
        (void)hv_console_input(&console, fuzz_u8(in));
    }
    type_at_shell();
}

static void step(struct fuzz_input *in)
{
    uint8_t kind = fuzz_u8(in);
    uint32_t slot = (kind >> 4) + (kind & 8U) * 2U; /* a few that are none */

    switch (kind & 7U) {
    case 0:
    case 1:
        some_output(in, slot);
        break;
    case 2:
        some_keys(in);
        break;
    case 3:
        takes = fuzz_u16(in) % 4096U;
        (void)hv_console_drain(&console);
        break;
    case 4:
        hv_console_vm_ended(&console, slot);
        break;
    case 5:
        if ((fuzz_u8(in) & 1U) != 0U) {
            add(slot);
        } else {
            (void)hv_console_remove(&console, slot);
        }
        break;
    case 6: {
        size_t used = hv_ring_used(&console.out);

        if (!hv_console_log_line(&console, "a line\nof two")) {
            FUZZ_CHECK(hv_ring_used(&console.out) <= used && used > 0U);
        }
        break;
    }
    default:
        ASH_DISCARD(hv_console_attach(&console, (kind & 8U) != 0U ? HV_CONSOLE_ALL : slot));
        (void)hv_console_has_room(&console, slot);
        (void)hv_console_may_resume(&console);
        (void)hv_console_pump(&console);
        break;
    }
    check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct hv_console_ops ops = {
        .write = write_terminal, .want_room = want_room, .deliver = deliver};
    struct fuzz_input in = {data, size};

    takes = SIZE_MAX;
    wants_room = false;
    cpu.hv = &hv;
    hv_console_init(&console, &ops, NULL);
    hv_editor_init(&editor, "> ");
    add(HV_CONSOLE_SHELL);
    add(0);
    add(1);
    while (fuzz_more(&in)) {
        step(&in);
    }
    return 0;
}
