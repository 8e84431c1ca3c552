/* SPDX-License-Identifier: BSD-2-Clause */
/** A guest's devices that know of time: clock, power key, watchdog. One alarm serves them all, and the watch for storms
 *  of interrupts. And its UART (uart.c).
 *
 *  Lock domain: the distributor lock, which the caller holds, but where a line says otherwise.
 */
#ifndef HV_GLUE_DEVICES_H
#define HV_GLUE_DEVICES_H

#include "glue/machine.h"

/** As at power-on. hv_devices_reset(): a VM starts again; a key that is held comes up. */
void hv_devices_create(struct hv_vm *vm);
void hv_devices_reset(struct hv_vm *vm);

/** HV_MACHINE_STORM interrupts have come for @vm's vCPUs, the last one for @vcpu: if that was fast, a line about it is
 *  due, which vCPU 0's CPU prints. */
void hv_devices_note_storm(struct hv_vm *vm, uint32_t vcpu);

/** The UART as at power-on, silent. */
void hv_devices_create_uart(struct hv_vm *vm);

hv_mmio_handler hv_devices_access_uart;
hv_mmio_handler hv_devices_access_rtc;
hv_mmio_handler hv_devices_access_gpio;
hv_mmio_handler hv_devices_access_wdog;

#endif
