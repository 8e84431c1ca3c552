/* SPDX-License-Identifier: BSD-2-Clause */
/** For the console: a VM's virtio console. A VM that has none: nothing happens. The VM list's lock is held, and none
 *  behind it. */
#ifndef HV_GLUE_VIRTIO_CONSOLE_H
#define HV_GLUE_VIRTIO_CONSOLE_H

#include <stdint.h>

#include <libbase/compiler.h>

struct hv_cpu;
struct hv_vm;

/** The terminal takes more of @vm's output. */
void hv_virtio_console_room(struct hv_cpu *cpu, struct hv_vm *vm);

/** Something was typed for it: its device fetches it, on the VM's CPU. */
void hv_virtio_console_input(struct hv_cpu *cpu, struct hv_vm *vm);

/** The terminal has @columns and @rows; the guest is told. ASH_ENOENT: @vm has no such device. */
int hv_virtio_console_resize(struct hv_cpu *cpu, struct hv_vm *vm, uint16_t columns,
                             uint16_t rows) ASH_NODISCARD;

#endif
