/* SPDX-License-Identifier: BSD-2-Clause */
/** vCPUs that may run on several CPUs (vcpu-cpus of vms.dts): one that is ready and would have to wait for its turn
 *  goes to a CPU of its set that has nothing to run. Its CPU hands it over; nobody takes from another's list.
 *
 *      its CPU: says for which CPUs it has some too many, looks who is idle, claims that one,
 *               takes the vCPU out of its list and mails it to the other
 *      idle:    says so, looks who has some too many, and kicks it
 *
 *  Each says its own before it looks at the other's (both sequentially consistent), so one of them finds the other.
 *  struct hv_vcpu.cpu changes under the VM's lock and the distributor's: who posts under one of them posts to the right
 *  CPU, and what was posted before, "woken" and the VM's state, the new one sees by the mail.
 */
#ifndef HV_CORE_MOVE_H
#define HV_CORE_MOVE_H

#include <stdbool.h>
#include <stdint.h>

struct hv_cpu;
struct hv_vcpu;

/** May @vcpu run elsewhere than where it is? Never changes. */
bool hv_move_may(const struct hv_vcpu *vcpu);

/** Hand over what is ready on @cpu and does not run: @runs does (NULL: nobody). On @cpu. No lock is held. */
void hv_move_share_out(struct hv_cpu *cpu, const struct hv_vcpu *runs, uint64_t now);

/** @cpu is about to sleep; it has work again. On @cpu. No lock is held. */
void hv_move_idle(struct hv_cpu *cpu);
void hv_move_busy(struct hv_cpu *cpu);

#endif
