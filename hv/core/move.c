/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/move.h"

#include <stddef.h>

#include "core/hv.h"
#include "core/mail.h"

static uint32_t bit_of(const struct hv_cpu *cpu)
{
    return UINT32_C(1) << cpu->index;
}

bool hv_move_may(const struct hv_vcpu *vcpu)
{
    return vcpu->turn.cpus != 0U;
}

static void arrive(struct hv_cpu *cpu, struct hv_mail *mail)
{
    struct hv_vcpu *vcpu = (struct hv_vcpu *)(void *)((char *)mail - offsetof(struct hv_vcpu, mail));

    hv_sched_arrive_(cpu, vcpu);
    (void)__atomic_fetch_or(&cpu->requests, HV_REQUEST_RUN, __ATOMIC_RELAXED);
}

static void hand_over(struct hv_cpu *cpu, struct hv_vcpu *vcpu, struct hv_cpu *to)
{
    struct hv_vm *vm = vcpu->vm;
    bool stays;

    hv_lock(&vm->lock);
    stays = vm->state != HV_LIFE_RUNNING; /* it ends here */
    if (!stays) {
        hv_machine_lock(cpu, &vm->machine);
        hv_sched_depart_(cpu, vcpu);
        __atomic_store_n(&vcpu->cpu, to, __ATOMIC_RELAXED);
        hv_machine_unlock(&vm->machine);
    }
    hv_unlock(&vm->lock);
    if (stays) {
        hv_cpu_post(to, HV_REQUEST_RUN); /* it was claimed for nothing: it says again that it is idle */
        return;
    }
    vcpu->turn.moves++;
    vcpu->mail.deliver = arrive; /* it is on: nobody else writes to it */
    hv_mail_send(to, &vcpu->mail);
}

/** An idle CPU of @set, which is then not idle for anybody else; NULL: there is none. */
static struct hv_cpu *claim(struct hv *hv, uint32_t set)
{
    for (uint32_t i = 0; i < hv->cpus; i++) {
        struct hv_cpu *cpu = hv->cpu[i];

        if ((set & bit_of(cpu)) != 0U && __atomic_load_n(&cpu->idle, __ATOMIC_SEQ_CST) != 0U &&
            __atomic_exchange_n(&cpu->idle, 0U, __ATOMIC_SEQ_CST) != 0U) {
            return cpu;
        }
    }
    return NULL;
}

static bool is_too_many(struct hv_vcpu *vcpu, const struct hv_vcpu *runs, uint64_t now)
{
    return vcpu != runs && hv_move_may(vcpu) && hv_sched_is_ready_(vcpu, now) &&
           hv_vm_state(vcpu->vm) == HV_LIFE_RUNNING;
}

void hv_move_share_out(struct hv_cpu *cpu, const struct hv_vcpu *runs, uint64_t now)
{
    uint32_t wanted = 0;
    struct hv_vcpu *next;

    if (!cpu->sched.is_visited) {
        return;
    }
    for (struct hv_vcpu *vcpu = cpu->sched.first; vcpu != NULL; vcpu = vcpu->turn.next) {
        wanted |= is_too_many(vcpu, runs, now) ? vcpu->turn.cpus & ~bit_of(cpu) : 0U;
    }
    /* Before the look at who is idle: who is so later finds it. */
    __atomic_store_n(&cpu->wanted, wanted, __ATOMIC_SEQ_CST);
    for (struct hv_vcpu *vcpu = wanted != 0U ? cpu->sched.first : NULL; vcpu != NULL; vcpu = next) {
        next = vcpu->turn.next;
        if (is_too_many(vcpu, runs, now)) {
            struct hv_cpu *to = claim(cpu->hv, vcpu->turn.cpus & ~bit_of(cpu));

            if (to != NULL) {
                hand_over(cpu, vcpu, to);
            }
        }
    }
}

void hv_move_idle(struct hv_cpu *cpu)
{
    const struct hv *hv = cpu->hv;

    if (!cpu->sched.is_visited) {
        return;
    }
    __atomic_store_n(&cpu->idle, 1U, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < hv->cpus; i++) {
        if (hv->cpu[i] != cpu &&
            (__atomic_load_n(&hv->cpu[i]->wanted, __ATOMIC_SEQ_CST) & bit_of(cpu)) != 0U) {
            hv_cpu_post(hv->cpu[i], HV_REQUEST_RUN);
        }
    }
}

void hv_move_busy(struct hv_cpu *cpu)
{
    if (cpu->sched.is_visited) {
        __atomic_store_n(&cpu->idle, 0U, __ATOMIC_SEQ_CST);
    }
}
