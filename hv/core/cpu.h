/* SPDX-License-Identifier: BSD-2-Clause */
/** A physical CPU: one page, found through TPIDR_EL2. The hot line first; what other CPUs write in a line of its
 *  own. */
#ifndef HV_CORE_CPU_H
#define HV_CORE_CPU_H

#include <libbase/compiler.h>
#include <libbase/types.h>

#include "core/account.h"
#include "core/job.h"
#include "core/recorder.h"
#include "core/sched.h"

#define HV_MAX_CPUS 16U

struct hv;
struct hv_vcpu;

/** Requests in a CPU's inbox: atomic bits, fire and forget, one kick. */
enum hv_request {
    HV_REQUEST_RUN = 1U << 0,     /* a vCPU of this CPU may be runnable now */
    HV_REQUEST_STOP = 1U << 1,    /* the loaded vCPU's VM is to stop */
    HV_REQUEST_HALT = 1U << 2,    /* hv panicked elsewhere */
    HV_REQUEST_ALARM = 1U << 3,   /* it rang, or it is for another time now */
    HV_REQUEST_CONSOLE = 1U << 4, /* the console has more to do here: hv_console_step() */
    HV_REQUEST_MAIL = 1U << 5     /* hv_mail_deliver_all() */
};

struct hv_cpu {
    /* The line that every exit reads; offsets known to assembly (arch/aarch64/asm.h). */
    struct hv_vcpu *vcpu; /* loaded here, NULL: none. Its own to write; atomic */
    uint64_t stack_top;
    uint64_t emergency_top;
    uint64_t faults;         /* EL2 faults taken on this CPU: the second one is nested */
    uint64_t serror_awaited; /* 1: hv lets an SError in on purpose */
    uint64_t serror_seen;    /* its syndrome, 0: none came */
    struct hv *hv;
    uint32_t index;
    uint32_t unexpected_interrupts;

    /* Written by other CPUs. */
    ASH_ALIGNED(64) uint32_t requests; /* enum hv_request bits */
    uint32_t online;
    struct hv_mail *mail; /* the last one sent first. Atomic */
    uint32_t idle;        /* 1: it has nothing to run and could take a vCPU (core/move.h). Atomic */
    uint32_t wanted; /* written here: where what is ready and does not run could go, a bit a CPU. Atomic */

    /* Cold. */
    ASH_ALIGNED(64) uint64_t mpidr; /* affinity fields only */
    uint64_t release_address;       /* spin-table */
    uint64_t redistributor;         /* GICv3: its frame's address */
    uint32_t gic_target;            /* GICv2: the bit of its CPU interface */
    uint32_t bcm_timers_enabled;    /* BCM2836: its timers' interrupts, as drivers/bcm2836.c numbers them */
    uint32_t bcm_timers_active;     /* of those, the ones masked until they are deactivated */
    struct hv_sched sched;
    struct hv_cpu_account account;
    struct hv_jobs jobs;
    struct hv_recorder *recorder;
    const struct hv_vm *last_vm; /* whose vCPU was loaded last; it may be gone */
};

/** Post @requests to @cpu and kick it. Any context. */
void hv_cpu_post(struct hv_cpu *cpu, uint32_t requests);

/** Take all of @cpu's requests. On @cpu only. */
static inline uint32_t hv_cpu_take_requests(struct hv_cpu *cpu)
{
    /* The exit path asks each time: a plain load where nothing is posted. Acquire pairs with the poster's release. */
    if (__atomic_load_n(&cpu->requests, __ATOMIC_RELAXED) == 0U) {
        return 0;
    }
    return __atomic_exchange_n(&cpu->requests, 0U, __ATOMIC_ACQUIRE);
}

/** hv_arch_idle(), on the CPU's account. */
void hv_cpu_idle(struct hv_cpu *cpu);

/** Do what @requests ask of the CPU itself, whatever runs there. On @cpu, no lock is held. */
void hv_cpu_attend(struct hv_cpu *cpu, uint32_t requests);

/** The CPU's main loop: run the vCPU whose turn it is, else sleep. */
_Noreturn void hv_cpu_main(struct hv_cpu *cpu);

/** From assembly: the loaded vCPU is to leave this CPU (its handler said so). Continues the main loop. */
_Noreturn void hv_vcpu_left(struct hv_cpu *cpu);

#endif
