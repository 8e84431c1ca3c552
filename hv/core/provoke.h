/* SPDX-License-Identifier: BSD-2-Clause */
/** hv's option ashlar.provoke=<what>: make hv itself fail, to see that it is reported. What: panic, data-abort,
 *  undefined, stack-overflow. The boot chain is trusted: no guest reaches this. */
#ifndef HV_CORE_PROVOKE_H
#define HV_CORE_PROVOKE_H

struct hv;
struct hv_cpu;

/** Does nothing without the option. */
void hv_provoke(struct hv *hv, struct hv_cpu *cpu);

#endif
