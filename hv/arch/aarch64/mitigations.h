/* SPDX-License-Identifier: BSD-2-Clause */
/** What a guest is told of the firmware's answers to speculative execution. */
#ifndef HV_ARCH_AARCH64_MITIGATIONS_H
#define HV_ARCH_AARCH64_MITIGATIONS_H

#include <libvcpu/id.h>
#include <libvcpu/psci.h>

/** ARCH_WORKAROUND_1, 2, 3 as a CPU with @midr and @id needs them: not at all, or through the board's firmware where it
 *  says that it has them; else NOT_SUPPORTED. */
void hv_mitigations(uint64_t midr, const struct ash_vcpu_id *id, enum ash_vcpu_workaround workaround[3]);

/** What hv itself calls the firmware for (SMCCC 1.1 function) when this CPU goes from one VM to another, 0: nothing.
 *  @workaround: from hv_mitigations(). */
uint32_t hv_mitigation_between_vms(const enum ash_vcpu_workaround workaround[3]);

#endif
