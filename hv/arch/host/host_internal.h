/* SPDX-License-Identifier: BSD-2-Clause */
/** Between the simulated CPUs (host.c) and the simulated console device (host_console.c). The baton is held. */
#ifndef HV_ARCH_HOST_HOST_INTERNAL_H
#define HV_ARCH_HOST_HOST_INTERNAL_H

#include "arch/host/host.h"

/** A run begins, its console writes to @result's log; it is over, and so is what was plugged in. */
void hv_host_console_begin(struct hv_host_result *result);
void hv_host_console_end(void);

/** Time passes. */
void hv_host_console_turn(void);

/** Its interrupt line, to CPU 0. */
bool hv_host_console_interrupts(void);

/** It will interrupt once time has passed. */
bool hv_host_console_is_busy(void);

#endif
