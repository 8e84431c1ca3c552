/* SPDX-License-Identifier: BSD-2-Clause */
/** Long work in bounded steps, on one CPU: in its idle loop one step after the other; while a vCPU is loaded there, one
 *  step now and then between two exits. No lock is held between steps, so others get on and the work can be given up
 *  there.
 *  Lock domain: the CPU, whose own its queue is; hv_job_post() may be called on any. */
#ifndef HV_CORE_JOB_H
#define HV_CORE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/mail.h"

struct hv_cpu;
struct hv_job;

#define HV_JOB_BYTES UINT64_C(0x10000) /* that a step may move or clear */
/* From one step to the next while a vCPU is loaded: of 20 microseconds each, they take a tenth of the CPU. */
#define HV_JOB_INTERVAL_US 200U

enum hv_job_verdict {
    HV_JOB_AGAIN, /* there is more to do */
    HV_JOB_WAITS, /* somebody posts it again, or has done so */
    HV_JOB_DONE   /* it is not touched any more: its owner may have begun another one with it */
};

/** One step, 64 KiB or 20 microseconds at most. On its CPU, with or without a vCPU loaded, no lock held. */
typedef enum hv_job_verdict hv_job_step(struct hv_cpu *cpu, struct hv_job *job);

struct hv_job {
    struct hv_mail mail; /* on its way to its CPU */
    struct hv_job *next; /* in that CPU's queue */
    hv_job_step *step;
};

/** A CPU's part. */
struct hv_jobs {
    struct hv_job *first;
    uint64_t due; /* ticks: no step before, while a vCPU is loaded */
};

/** Queue @job, whose step is set and which is in no queue, on @cpu, which is online. Any context. */
void hv_job_post(struct hv_cpu *cpu, struct hv_job *job);

/** One step of the job whose turn it is. False: there is none. On @cpu, no lock held. */
bool hv_jobs_step(struct hv_cpu *cpu);

/** With a vCPU loaded: one step if it is due. False: it is not, or there is none. Likewise. */
bool hv_jobs_between_exits(struct hv_cpu *cpu, uint64_t now);

/** When the next step is due with a vCPU loaded, in ticks; UINT64_MAX: there is nothing to do. */
uint64_t hv_jobs_due(const struct hv_cpu *cpu);

#endif
