/* SPDX-License-Identifier: BSD-2-Clause */
/** What every exit handler returns. There is no "panic": a guest's worst ends its own VM. */
#ifndef HV_CORE_VERDICT_H
#define HV_CORE_VERDICT_H

enum hv_verdict {
    HV_RESUME = 0, /* back into the same vCPU, EL1 state untouched */
    HV_LEAVE = 1   /* the vCPU leaves this CPU: it is off, or its VM is stopping */
};

#endif
