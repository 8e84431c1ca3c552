/* SPDX-License-Identifier: BSD-2-Clause */
/** hv on a PC: N simulated CPUs take turns, one at a time. Who is next is drawn from a seed at every exit and every
 *  sleep, and often before, inside and behind a lock and at a kick, so a run can be repeated.
 *
 *  Or (threads.c in place of host.c) they are threads that run at the same time, for ThreadSanitizer: then nothing can
 *  be repeated, time is real, guests are called on several threads at once, hv_host_run()'s @max_turns are
 *  milliseconds, the log has what was said last, the console's FIFO has its own size, and there is no hv_host_ran().
 *
 *  A simulated guest is a function: it is called for each "exit", acts through hv/glue as the real exit path would, and
 *  returns the verdict. Between two calls its CPU looks at its requests, as the real one does. */
#ifndef HV_ARCH_HOST_HOST_H
#define HV_ARCH_HOST_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "core/hv.h"

#define HV_HOST_LOG_SIZE 65536U

/** Somebody at the console: types @keys once @after has been shown, behind what the step before waited for. */
struct hv_host_step {
    const char *after;
    const char *keys; /* not empty */
};

/** The console device. It interrupts CPU 0. */
struct hv_host_console {
    unsigned fifo;           /* bytes of its transmit FIFO; 0: it takes everything at once */
    unsigned turns_per_byte; /* > 0 with a FIFO */
    const struct hv_host_step *script;
    size_t steps;
};

/** For the next run. Without it: no FIFO, nobody types. */
void hv_host_console_plug(const struct hv_host_console *console);

/** One exit of @vcpu. @round counts those of this vCPU since it was turned on. */
typedef enum hv_verdict hv_host_guest(struct hv_cpu *cpu, struct hv_vcpu *vcpu, uint64_t round);

struct hv_host_result {
    bool powered_off; /* hv turned the machine off */
    bool stuck;       /* every CPU sleeps and nobody will wake one; or the turns ran out */
    uint64_t turns;
    size_t log_size;
    char log[HV_HOST_LOG_SIZE]; /* what went to the console device, NUL-terminated */
};

/** Run hv_boot() on CPU 0 of @hv (cpus and board filled in by the caller) with @guest on every vCPU, until the machine
 *  is off, nothing can happen any more, or @max_turns. One at a time in a process. */
void hv_host_run(struct hv *hv, hv_host_guest *guest, uint64_t seed, uint64_t max_turns,
                 struct hv_host_result *result);

/** The next run finds the flight recorders as the last one left them: its reset is a warm one. */
void hv_host_next_is_warm(void);

/** For a guest: run on, as in a WFI that does not trap, and cause no exit until hv sends @cpu an interrupt. */
void hv_host_run_until_kicked(struct hv_cpu *cpu);

/** How often CPU @index was kicked in this run. */
uint64_t hv_host_kicks(uint32_t index);

/** For how many ticks the vCPU @index of the VM @slot has been loaded on a CPU that did not sleep. */
uint64_t hv_host_ran(uint32_t slot, uint32_t index);

#endif
