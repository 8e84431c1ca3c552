/* SPDX-License-Identifier: BSD-2-Clause */
/** The console between the board's UART and the VMs' emulated ones. No lock is held where nothing else is said. */
#ifndef HV_GLUE_CONSOLE_GLUE_H
#define HV_GLUE_CONSOLE_GLUE_H

#include <stdint.h>

#include <libbase/compiler.h>

struct hv;
struct hv_cpu;
struct hv_vm;

/** Make the console on the board's UART. Lock domain: boot. */
void hv_console_create(struct hv *hv);

/** hv's shell has its slot, and @cpu, this one, which takes the UART's interrupts, runs it. Lock domain: boot. */
void hv_console_open_shell(struct hv *hv, struct hv_cpu *cpu);

/** @vm, whose slot and name are set, has a slot of the console from now on. Returns ASH_OK, ASH_ENOMEM, ASH_EEXIST. */
int hv_console_vm_created(struct hv_vm *vm) ASH_NODISCARD;

/** And has none any more: what it said last is shown as far as there is room. */
void hv_console_vm_gone(struct hv_vm *vm);

/** @vm has ended or starts again. */
void hv_console_vm_over(struct hv_vm *vm);

/** The UART has received something, or takes more. */
void hv_console_interrupt(struct hv_cpu *cpu);

/** HV_REQUEST_CONSOLE was posted to this CPU: a bounded step of what waits. */
void hv_console_step(struct hv_cpu *cpu);

/** A VM has taken input from its UART: what waited may follow. */
void hv_console_room(struct hv_cpu *cpu);

/** A VM's virtio console has taken some: likewise, on the console's CPU. A device's lock may be held. */
void hv_console_input_taken(struct hv *hv);

/** @vm's UART sent @byte. If it has to wait for the terminal, its UART is told. */
void hv_console_emitted(struct hv_cpu *cpu, struct hv_vm *vm, uint8_t byte);

/** A line of hv's own, whole. Waits for the device if that is far behind; nobody waits with it. */
void hv_console_say(struct hv *hv, const char *line);

/** Everything that is to be seen is with the device, @line the last of it: before the machine goes off. */
void hv_console_finish(struct hv *hv, const char *line);

#endif
