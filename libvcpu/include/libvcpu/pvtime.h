/* SPDX-License-Identifier: BSD-2-Clause */
/** The memory of paravirtualized time (DEN0057): how long each vCPU was kept from running. The guest asks for its
 *  address by PV_TIME_ST (psci.h) and reads it; the hypervisor writes it.
 *
 *  One structure a vCPU, in one array, which the guest sees as Normal Write-Back memory and may not write. All zero is
 *  its state at first: revision 0, nothing stolen.
 */
#ifndef LIBVCPU_PVTIME_H
#define LIBVCPU_PVTIME_H

#include <stddef.h>
#include <stdint.h>

#include <libbase/compiler.h>

#ifdef __cplusplus
extern "C" {
#endif

/** DEN0057, little-endian. */
struct ash_vcpu_stolen_time {
    uint32_t revision;   /* 0 */
    uint32_t attributes; /* 0 */
    uint64_t stolen_ns;  /* written in one piece: the guest reads it while it changes */
    uint8_t padding[48];
};
ASH_STATIC_ASSERT(sizeof(struct ash_vcpu_stolen_time) == 64, "DEN0057: 64 bytes a vCPU");
ASH_STATIC_ASSERT(offsetof(struct ash_vcpu_stolen_time, stolen_ns) == 8, "DEN0057: at 8");

/** @ticks of a counter of @frequency Hz in nanoseconds, rounded down. frequency: 1..2^34, the result must fit. */
uint64_t ash_vcpu_stolen_ns(uint64_t ticks, uint64_t frequency);

#ifdef __cplusplus
}
#endif

#endif
