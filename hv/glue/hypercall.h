/* SPDX-License-Identifier: BSD-2-Clause */
/** hv's own calls: SMCCC fast calls, 64 bits, of the vendor-specific hypervisor service (DEN0028 6.2), from function 0
 *  on. docs/hypercalls.md is the contract. UID and revision, which everybody's hypervisor has, are libvcpu's. */
#ifndef HV_GLUE_HYPERCALL_H
#define HV_GLUE_HYPERCALL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/verdict.h"

struct hv_cpu;

#define HV_HYPERCALL(number) (0xc6000000U | (number))

/** Status in x0. The first two are SMCCC's. */
enum hv_hypercall_status {
    HV_HYPERCALL_OK = 0,
    HV_HYPERCALL_NOT_SUPPORTED = -1,
    HV_HYPERCALL_INVALID = -3,
    HV_HYPERCALL_DENIED = -4, /* for the manager only */
    HV_HYPERCALL_BUSY = -5,
    HV_HYPERCALL_NO_VM = -6,
    HV_HYPERCALL_IMPOSSIBLE = -7
};

enum hv_hypercall_number {
    HV_HYPERCALL_VERSION = 0x00,       /* x0: major << 16 | minor */
    HV_HYPERCALL_FEATURES = 0x01,      /* x1: function id */
    HV_HYPERCALL_SELF = 0x02,          /* x1: own number, x2: vCPUs, x3: 1: the manager */
    HV_HYPERCALL_CONSOLE_WRITE = 0x03, /* x1: IPA, x2: bytes; x0: how many were taken */
    HV_HYPERCALL_YIELD = 0x04,
    HV_HYPERCALL_VM_COUNT = 0x10,
    HV_HYPERCALL_VM_STATE = 0x11,  /* x1: number; x1: its state */
    HV_HYPERCALL_VM_NAME = 0x12,   /* x1: number, x2: from which byte; x0: length, x1..x3: 24 bytes of it */
    HV_HYPERCALL_VM_COMMAND = 0x13 /* x1: number, x2: command */
};

#define HV_HYPERCALL_ABI     0x10000U
#define HV_HYPERCALL_CONSOLE 64U /* bytes a call takes at most */

/** Is it one of them? Of an HVC or SMC with the immediate 0. */
static inline bool hv_hypercall_is_ours(uint32_t id)
{
    return (id & 0xffff0000U) == HV_HYPERCALL(0) && (id & 0xffffU) < 0xff00U;
}

/** The call of the loaded vCPU, in its x0..x3. No lock is held. */
enum hv_verdict hv_hypercall(struct hv_cpu *cpu);

#endif
