/* SPDX-License-Identifier: BSD-2-Clause */
/** CNTV to and from the hardware. Target vtimer_el2; runs at EL2, non-VHE, IRQs masked, on the CPU that owns the vCPU.
 *  Lock domain: the vCPU. Manual: Arm ARM DDI 0487, "The Generic Timer in AArch64 state", D17.11.
 */
#ifndef LIBVTIMER_EL2_H
#define LIBVTIMER_EL2_H

#include <libvtimer/vtimer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** CNTVOFF_EL2, CNTV_CVAL_EL0, CNTV_CTL_EL0, the enable last and behind an ISB, so that no old compare value fires.
 *  CNTHCTL_EL2 is the caller's (trap policy). */
void ash_vtimer_el2_load(const struct ash_vtimer *vtimer);

/** And back; the hardware timer is disabled and its output low when this returns. */
void ash_vtimer_el2_save(struct ash_vtimer *vtimer);

/** Refresh `vtimer` from the hardware without stopping it: for questions about a vCPU that stays loaded. */
void ash_vtimer_el2_peek(struct ash_vtimer *vtimer);

/** CNTPCT_EL0, not read before earlier instructions have completed (ISB). */
uint64_t ash_vtimer_el2_now(void);

#ifdef __cplusplus
}
#endif

#endif
