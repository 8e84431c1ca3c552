/* SPDX-License-Identifier: BSD-2-Clause */
/** A guest's HVC and SMC: libvcpu's firmware interface, and what its actions mean here. */
#ifndef HV_GLUE_FIRMWARE_H
#define HV_GLUE_FIRMWARE_H

#include <stdint.h>

#include <libvcpu/psci.h>

#include "core/verdict.h"

struct hv_cpu;
struct hv_vcpu;

enum hv_verdict hv_firmware_call(struct hv_cpu *cpu, struct hv_vcpu *vcpu, enum ash_vcpu_conduit conduit,
                                 uint16_t immediate);

#endif
