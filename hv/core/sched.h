/* SPDX-License-Identifier: BSD-2-Clause */
/** Which vCPU a CPU runs. Every vCPU has its CPU; several may share one. Of those that want to run and have a budget
 *  (core/budget.h) the one with the earliest deadline does; if there is none, of the others the one of the highest
 *  priority, equal ones in turn, a time slice each. A vCPU without a budget that is alone on its CPU pays nothing for
 *  it: no tick, its WFI does not trap. docs/scheduling.md.
 *
 *      off ── CPU_ON ──▶ ready ◀──▶ running ── WFI, and another is ready ──▶ waits ── interrupt, its timer ──▶ ready
 *
 *  Lock domain: the CPU, whose own the list and the vCPUs' turns are; hv_sched_wake() and hv_sched_new_alarm() may be
 *  called on any.
 */
#ifndef HV_CORE_SCHED_H
#define HV_CORE_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/budget.h"
#include "core/verdict.h"

struct hv_cpu;
struct hv_vcpu;

/** A CPU's part. */
struct hv_sched {
    struct hv_vcpu
        *first;      /* the vCPUs whose CPU this is: highest priority first, equal ones by whose turn it is */
    uint32_t count;  /* of them. Others read it: atomic */
    bool is_visited; /* vCPUs that may run elsewhere too may come here. Changed by boot only */
    bool changed;    /* @count has, since the vCPU that is loaded here was */
    uint64_t slice_end; /* of the one that runs, in ticks */
    uint64_t alarm;     /* as hv_arch_set_alarm() was last told */
};

/** A vCPU's part. Its CPU's own, but for @woken, and that others read @alone. */
struct hv_turn {
    struct hv_vcpu *next; /* in hv_sched.first */
    uint32_t cpus;        /* those that it may run on, a bit each; 0: one only, its CPU */
    uint64_t moves;       /* from CPU to CPU, since it was made */
    uint32_t priority;    /* higher goes first */
    uint64_t slice;       /* ticks */
    uint64_t slice_left;  /* of a slice that was cut short; 0: the next one is whole */
    struct hv_budget budget;
    uint64_t owed;  /* ticks that others worked for it, not charged yet. Atomic */
    uint64_t since; /* loaded: what it ran from then on is not charged yet */
    bool stays;     /* it leaves its CPU and stays on: to wait, for another's turn, or to begin again */
    bool
        alone; /* hv_sched_is_alone() when it was loaded, and it does not wait here: a kick is enough. Atomic */
    bool waits;           /* for an interrupt: it wants to run from @wake_at on, or once it is woken */
    uint64_t wake_at;     /* ticks: its first timer */
    uint64_t ready_since; /* on, not loaded and not waiting: ticks */
    uint32_t woken;       /* 1: an interrupt may have come for it. Atomic */
};

/** @vcpu, whose cpu and turn's cpus, priority, slice and budget are set, is one of its CPU's. And no more: it is off.
 *  On that CPU, or where that does not run yet. */
void hv_sched_add(struct hv_vcpu *vcpu);
void hv_sched_remove(struct hv_vcpu *vcpu);

/** The vCPU that is to be loaded on @cpu, where none is; NULL: none wants to run. vCPUs of VMs that are stopping are
 *  turned off on the way. Sets the alarm. No lock is held. */
struct hv_vcpu *hv_sched_next(struct hv_cpu *cpu);

/** An exit found @requests: has cpu->vcpu, which is loaded, to leave? */
enum hv_verdict hv_sched_look(struct hv_cpu *cpu, uint32_t requests);

/** cpu->vcpu, which is loaded, waits for an interrupt. RESUME: there is one, or may be. LEAVE: its VM stops, or another
 *  vCPU runs meanwhile. No lock is held. */
enum hv_verdict hv_sched_wait(struct hv_cpu *cpu);

/** cpu->vcpu, which is loaded, lets others run that are ready and as urgent. LEAVE: some are. No lock is held. */
enum hv_verdict hv_sched_yield(struct hv_cpu *cpu);

/** @vcpu has left its CPU and is put. @stays: it is still on. */
void hv_sched_put(struct hv_vcpu *vcpu, bool stays);

/** @vcpu, which is off, is to run from now on. Before it is said to be on. */
void hv_sched_start(struct hv_vcpu *vcpu);

/** A CPU worked for what @vcpu's VM asked for, @ticks long and in no vCPU's time: @vcpu's budget has so much less, also
 *  if it does not run now. Nothing without a budget. Any context, while the VM is not destroyed. */
void hv_sched_owe(struct hv_vcpu *vcpu, uint64_t ticks);

/** Is @vcpu its CPU's only one, and may it have all of it? Any context. */
bool hv_sched_is_alone(const struct hv_vcpu *vcpu);

/** @vcpu, which is on and shares its CPU, may have an interrupt. @self: the CPU that says so, which looks by itself
 *  before it enters a guest; NULL: not known. @is_loaded: by the lock of its VM's vGIC, which is held: it shall exit.
 *  Else its CPU is told once until it has looked, however many interrupts come. Any context. */
void hv_sched_wake(struct hv_vcpu *vcpu, struct hv_cpu *self, bool is_loaded);

/** What @cpu has to wake up for has changed. @self as above. Any context. */
void hv_sched_new_alarm(struct hv_cpu *cpu, struct hv_cpu *self);

/** @cpu's alarm rang, on @cpu. No lock is held. */
void hv_sched_alarm(struct hv_cpu *cpu);

/** For core/move.c, on the CPU that it is about. @vcpu comes and goes; does it, which is not loaded, want the CPU and
 *  may have it: to run, or to be turned off? */
void hv_sched_arrive_(struct hv_cpu *cpu, struct hv_vcpu *vcpu);
void hv_sched_depart_(struct hv_cpu *cpu, struct hv_vcpu *vcpu);
bool hv_sched_is_ready_(struct hv_vcpu *vcpu, uint64_t now);

#endif
