/* SPDX-License-Identifier: BSD-2-Clause */
/** Between the parts of this folder. */
#ifndef HV_ARCH_HOST_HOST_INTERNAL_H
#define HV_ARCH_HOST_HOST_INTERNAL_H

#include "arch/host/host.h"

/* ---- host_common.c ----------------------------------------------------------------------------------------------- */

/** A run begins. */
void hv_host_begin(void);

/** What a CPU runs from its reset on. */
_Noreturn void hv_host_enter(struct hv_cpu *cpu);

/** For hv_host_guest: which exit of @vcpu's this is, which is loaded on the caller's CPU. */
uint64_t hv_host_next_round(const struct hv_vcpu *vcpu);

/** @cpu->vcpu comes to @cpu, leaves it. Aborts if it is loaded elsewhere, or under a VMID that is another VM's too. */
void hv_host_load(struct hv_cpu *cpu);
void hv_host_put(struct hv_cpu *cpu);

/** When the virtual timer of @vcpu (NULL: none), which is loaded, interrupts; UINT64_MAX: never. */
uint64_t hv_host_timer(const struct hv_vcpu *vcpu, uint64_t now);

/** It does, on @cpu. */
void hv_host_inject_timer(struct hv_cpu *cpu);

/** What the real exit path does at its end, behind the interrupts: vGIC and requests. */
enum hv_verdict hv_host_before_entry(struct hv_cpu *cpu);

/* ---- host_console.c: under host.c, whose baton is held ----------------------------------------------------------- */

/** A run begins, its console writes to @result's log; it is over, and so is what was plugged in. */
void hv_host_console_begin(struct hv_host_result *result);
void hv_host_console_end(void);

/** Time passes. */
void hv_host_console_turn(void);

/** Its interrupt line, to CPU 0. */
bool hv_host_console_interrupts(void);

/** It will interrupt once time has passed. */
bool hv_host_console_is_busy(void);

/* ---- wires.c: under threads.c, from any thread ------------------------------------------------------------------- */

/** A run of @cpus CPUs begins, which is given up after @most_ms; it is over. */
void hv_host_wires_begin(struct hv_host_result *result, uint32_t cpus, uint64_t most_ms);
void hv_host_wires_end(void);

/** An interrupt for CPU @index. */
void hv_host_wire_raise(uint32_t index);

/** Is one pending for CPU @index? Then it is taken. */
bool hv_host_wire_take(uint32_t index);

/** CPU @index, whose thread this is, sleeps until one is pending, or @until, in ticks. */
void hv_host_wire_sleep(uint32_t index, uint64_t until);

/** The run ends: every thread is to leave. */
void hv_host_wires_cut(void);
bool hv_host_wires_are_cut(void);

/** Does the console device ask for CPU 0? */
bool hv_host_wire_console(void);

#endif
