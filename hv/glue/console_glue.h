/* SPDX-License-Identifier: BSD-2-Clause */
/** The console between the board's UART and the VMs' emulated ones. */
#ifndef HV_GLUE_CONSOLE_GLUE_H
#define HV_GLUE_CONSOLE_GLUE_H

#include <stdint.h>

struct hv;
struct hv_cpu;
struct hv_vm;

/** Make the console on the board's UART. Lock domain: boot. */
void hv_console_create(struct hv *hv);

/** The UART has received something. No lock is held. */
void hv_console_received(struct hv_cpu *cpu);

/** A VM has taken input from its UART: what waited may follow. No lock is held. */
void hv_console_room(struct hv_cpu *cpu);

/** @vm has ended or starts again. No lock is held. */
void hv_console_vm_over(struct hv_vm *vm);

/** @vm's UART sent @byte. No lock is held. */
void hv_console_emitted(struct hv_vm *vm, uint8_t byte);

#endif
