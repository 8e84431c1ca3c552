/* SPDX-License-Identifier: BSD-2-Clause */
/** The trap policy: what EL2 lets a guest do by itself. One table, written whole at CPU start. */
#ifndef HV_ARCH_AARCH64_POLICY_H
#define HV_ARCH_AARCH64_POLICY_H

#include <stdint.h>

/* HCR_EL2 (DDI 0487 D17.2). */
#define HCR_VM     (UINT64_C(1) << 0)
#define HCR_SWIO   (UINT64_C(1) << 1)
#define HCR_PTW    (UINT64_C(1) << 2)
#define HCR_FMO    (UINT64_C(1) << 3)
#define HCR_IMO    (UINT64_C(1) << 4)
#define HCR_AMO    (UINT64_C(1) << 5)
#define HCR_VF     (UINT64_C(1) << 6)
#define HCR_VI     (UINT64_C(1) << 7)
#define HCR_VSE    (UINT64_C(1) << 8)
#define HCR_FB     (UINT64_C(1) << 9)
#define HCR_BSU_IS (UINT64_C(1) << 10) /* barriers act on the Inner Shareable domain at least */
#define HCR_TWI    (UINT64_C(1) << 13)
#define HCR_TWE    (UINT64_C(1) << 14)
#define HCR_TID1   (UINT64_C(1) << 16)
#define HCR_TID3   (UINT64_C(1) << 18)
#define HCR_TSC    (UINT64_C(1) << 19)
#define HCR_TIDCP  (UINT64_C(1) << 20)
#define HCR_TACR   (UINT64_C(1) << 21)
#define HCR_TSW    (UINT64_C(1) << 22)
#define HCR_TVM    (UINT64_C(1) << 26)
#define HCR_RW     (UINT64_C(1) << 31)
#define HCR_TLOR   (UINT64_C(1) << 35)
#define HCR_TERR   (UINT64_C(1) << 36)
#define HCR_TEA    (UINT64_C(1) << 37)
#define HCR_APK    (UINT64_C(1) << 40)
#define HCR_API    (UINT64_C(1) << 41)

/** Write every EL2 register that decides what a guest may do, on this CPU. None is inherited from the firmware. */
void hv_policy_apply(void);

/** HCR_EL2 for a vCPU on this CPU: the policy's, with what the CPU's features allow. */
uint64_t hv_policy_hcr(void);

#endif
