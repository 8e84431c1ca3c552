/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/job.h"

#include "arch/arch.h"
#include "core/cpu.h"

/* ---- Mail -------------------------------------------------------------------------------------------------------- */

void hv_mail_send(struct hv_cpu *cpu, struct hv_mail *mail)
{
    struct hv_mail *first = __atomic_load_n(&cpu->mail, __ATOMIC_RELAXED);

    do {
        mail->next = first;
        /* Release: whoever takes it sees what it is about. */
    } while (
        !__atomic_compare_exchange_n(&cpu->mail, &first, mail, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    hv_cpu_post(cpu, HV_REQUEST_MAIL);
}

void hv_mail_deliver_all(struct hv_cpu *cpu)
{
    struct hv_mail *last_first;
    struct hv_mail *mail = NULL;

    if (__atomic_load_n(&cpu->mail, __ATOMIC_RELAXED) == NULL) {
        return;
    }
    last_first = __atomic_exchange_n(&cpu->mail, NULL, __ATOMIC_ACQUIRE);
    while (last_first != NULL) {
        struct hv_mail *next = last_first->next;

        last_first->next = mail;
        mail = last_first;
        last_first = next;
    }
    while (mail != NULL) {
        struct hv_mail *next = mail->next; /* delivered, it may be sent again */

        mail->deliver(cpu, mail);
        mail = next;
    }
}

/* ---- Jobs -------------------------------------------------------------------------------------------------------- */

static void append(struct hv_jobs *jobs, struct hv_job *job)
{
    struct hv_job **at = &jobs->first;

    while (*at != NULL) {
        at = &(*at)->next;
    }
    job->next = NULL;
    *at = job;
}

static void arrive(struct hv_cpu *cpu, struct hv_mail *mail)
{
    if (cpu->jobs.first == NULL) {
        cpu->jobs.due = hv_arch_ticks();
    }
    hv_record(cpu, HV_EVENT_JOB, 0, 0);
    append(&cpu->jobs, (struct hv_job *)mail); /* its first member */
}

void hv_job_post(struct hv_cpu *cpu, struct hv_job *job)
{
    job->mail.deliver = arrive;
    hv_mail_send(cpu, &job->mail);
}

bool hv_jobs_step(struct hv_cpu *cpu)
{
    struct hv_job *job = cpu->jobs.first;

    if (job == NULL) {
        return false;
    }
    cpu->jobs.first = job->next;
    if (job->step(cpu, job) == HV_JOB_AGAIN) {
        append(&cpu->jobs, job);
    } else {
        hv_record(cpu, HV_EVENT_JOB, 1, 0);
    }
    return true;
}

bool hv_jobs_between_exits(struct hv_cpu *cpu, uint64_t now)
{
    if (cpu->jobs.first == NULL || now < cpu->jobs.due) {
        return false;
    }
    (void)hv_jobs_step(cpu);
    cpu->jobs.due = hv_arch_ticks() + hv_arch_ticks_per_second() * HV_JOB_INTERVAL_US / 1000000U;
    return true;
}

uint64_t hv_jobs_due(const struct hv_cpu *cpu)
{
    return cpu->jobs.first != NULL ? cpu->jobs.due : UINT64_MAX;
}
