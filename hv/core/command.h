/* SPDX-License-Identifier: BSD-2-Clause */
/** What somebody outside may ask of hv: one table of commands for the shell, and for a manager VM's tool. A command's
 *  words are parsed here; its answer is records (core/record.h), one a call, so that a long one is given in steps.
 *  Lock domain: the CPU that runs the command; no lock is held. docs/console.md lists them. */
#ifndef HV_CORE_COMMAND_H
#define HV_CORE_COMMAND_H

#include "core/record.h"

#define HV_COMMAND_WORDS   6U
#define HV_COMMAND_PROBLEM 120U
#define HV_COMMAND_ALLOWED 240U

struct hv_cpu;

/** What comes behind a command's name. */
enum hv_command_argument {
    HV_ARGUMENT_NONE,
    HV_ARGUMENT_VM,          /* a VM's name or number */
    HV_ARGUMENT_VM_OPTIONAL, /* likewise; without it all */
    HV_ARGUMENT_COMMAND,     /* a command's name, or nothing */
    HV_ARGUMENT_VM_SIZE,     /* a VM, and a terminal's size: 132x43 */
    HV_ARGUMENT_VM_DEVICE,   /* a VM, and the number of one of its virtio devices; without that all */
    HV_ARGUMENT_WORD         /* one of the command's own words, or nothing */
};

enum hv_command_step { HV_STEP_ROW, HV_STEP_END, HV_STEP_ERROR };

struct hv_call;

struct hv_command {
    const char *group; /* "vm"; NULL: it is one word */
    const char *name;  /* "list" */
    enum hv_command_argument argument;
    const char *const *words; /* HV_ARGUMENT_WORD: which; NULL at the end */
    bool is_table;
    uint32_t detail; /* the step's own */
    /** The next record, empty so far: ROW. END: there is none. ERROR: hv_call_fail() has been told why. */
    enum hv_command_step (*step)(struct hv_call *call, struct hv_record *record);
    const char *help;
};

/** A command that is being answered. Allocated by the caller. */
struct hv_call {
    struct hv_cpu *cpu; /* it runs on */
    const struct hv_command *command;
    struct hv_form form;
    uint32_t vm;            /* HV_ARGUMENT_VM…: its place in the configuration; UINT32_MAX: not given */
    uint32_t word;          /* HV_ARGUMENT_WORD: which; UINT32_MAX: not given */
    uint32_t columns, rows; /* HV_ARGUMENT_VM_SIZE: 1..65535 */
    uint32_t device;        /* HV_ARGUMENT_VM_DEVICE; UINT32_MAX: not given */
    uint32_t at[2];         /* how far it is; the step's own, 0 at first */
    const struct hv_command *about; /* HV_ARGUMENT_COMMAND */
    const char *about_group;        /* likewise: a group's name was given */
    char problem[HV_COMMAND_PROBLEM];
    char allowed[HV_COMMAND_ALLOWED];
};

/** Parse @line and begin the answer. False: @call->form, problem and allowed say what is wrong. A line without words
 *  has no command: call->command is NULL, and true. */
bool hv_call_begin(struct hv_call *call, struct hv_cpu *cpu, const char *line);

/** The next part of the answer as text, into @buffer of HV_RECORD_MOST bytes. False: it was the last. */
bool hv_call_step(struct hv_call *call, struct hv_record *record, char *buffer);

/** From a step: it failed. *allowed may be NULL. */
enum hv_command_step hv_call_fail(struct hv_call *call, const char *allowed, const char *format, ...)
    ASH_PRINTF(3, 4);

/** The words that may stand at the end of @line, whose last word (empty behind a blank) they begin with: their number.
 *  @index below it: *that* word in @word, of @size bytes. */
uint32_t hv_command_complete(struct hv_cpu *cpu, const char *line, uint32_t index, char *word, size_t size);

/** The table; the last one's name is NULL. */
extern const struct hv_command hv_commands[];

/* command_vm.c, command_switch.c, command_show.c: the steps. */
enum hv_command_step hv_command_vm_list(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_vm_show(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_vm_devices(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_vm_life(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_vm_attach(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_vm_resize(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_switch_ports(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_switch_counts(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_switch_addresses(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_switch_link(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_stats(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_irq(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_mem(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_cpu(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_trace(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_log(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_version(struct hv_call *call, struct hv_record *record);
enum hv_command_step hv_command_help(struct hv_call *call, struct hv_record *record);

#endif
