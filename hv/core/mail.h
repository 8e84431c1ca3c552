/* SPDX-License-Identifier: BSD-2-Clause */
/** What one CPU has another one do with that one's own data: sent and not waited for. An object brings its own mail,
 *  and sends it again only when it was delivered. */
#ifndef HV_CORE_MAIL_H
#define HV_CORE_MAIL_H

struct hv_cpu;
struct hv_mail;

/** On the CPU that it was sent to, no lock held. The mail is the receiver's again. */
typedef void hv_mail_deliver(struct hv_cpu *cpu, struct hv_mail *mail);

struct hv_mail {
    struct hv_mail *next;
    hv_mail_deliver *deliver;
};

/** Any context. @cpu is online. What was sent first is delivered first. */
void hv_mail_send(struct hv_cpu *cpu, struct hv_mail *mail);

/** Deliver what has been sent to @cpu, on @cpu. No lock is held. */
void hv_mail_deliver_all(struct hv_cpu *cpu);

#endif
