/* SPDX-License-Identifier: BSD-2-Clause */
/** Bits of the GICv3 virtual interface control registers, as the list register image holds them.
 *  IHI 0069, chapter 12.4: ICH_LR<n>_EL2, ICH_HCR_EL2, ICH_VMCR_EL2, ICH_VTR_EL2. */
#ifndef LIBVGIC_ICH_H
#define LIBVGIC_ICH_H

#include <libbase/bits.h>

#define ASH_ICH_LR_VINTID(v)      ((uint32_t)((v)&UINT64_C(0xFFFFFFFF)))
#define ASH_ICH_LR_SOURCE_SHIFT   10 /* [12:10] of the vINTID: a GICv2's SGI, the CPU that sent it */
#define ASH_ICH_LR_PINTID_SHIFT   32 /* [44:32], HW = 1 */
#define ASH_ICH_LR_PINTID(v)      ((uint32_t)(((v) >> ASH_ICH_LR_PINTID_SHIFT) & 0x1FFFU))
#define ASH_ICH_LR_EOI            ASH_BIT(41) /* HW = 0: maintenance interrupt when it becomes invalid */
#define ASH_ICH_LR_PRIORITY_SHIFT 48
#define ASH_ICH_LR_PRIORITY(v)    ((uint8_t)(((v) >> ASH_ICH_LR_PRIORITY_SHIFT) & 0xFFU))
#define ASH_ICH_LR_GROUP1         ASH_BIT(60)
#define ASH_ICH_LR_HW             ASH_BIT(61)
#define ASH_ICH_LR_PENDING        ASH_BIT(62)
#define ASH_ICH_LR_ACTIVE         ASH_BIT(63)
#define ASH_ICH_LR_STATE          (ASH_ICH_LR_PENDING | ASH_ICH_LR_ACTIVE)

#define ASH_ICH_HCR_EN             (UINT32_C(1) << 0)
#define ASH_ICH_HCR_UIE            (UINT32_C(1) << 1) /* underflow: at most one list register valid */
#define ASH_ICH_HCR_LRENPIE        (UINT32_C(1) << 2) /* EOIcount is not zero */
#define ASH_ICH_HCR_NPIE           (UINT32_C(1) << 3) /* no list register is pending */
#define ASH_ICH_HCR_VGRP0EIE       (UINT32_C(1) << 4) /* the guest has enabled Group 0 */
#define ASH_ICH_HCR_VGRP0DIE       (UINT32_C(1) << 5) /* ... disabled */
#define ASH_ICH_HCR_VGRP1EIE       (UINT32_C(1) << 6)
#define ASH_ICH_HCR_VGRP1DIE       (UINT32_C(1) << 7)
#define ASH_ICH_HCR_TC             (UINT32_C(1) << 10) /* trap the registers common to both groups */
#define ASH_ICH_HCR_TDIR           (UINT32_C(1) << 14) /* trap ICV_DIR_EL1; where ICH_VTR_EL2.TDS = 1 */
#define ASH_ICH_HCR_EOICOUNT_SHIFT 27                  /* [31:27] */

#define ASH_ICH_VMCR_VENG0       (UINT32_C(1) << 0)
#define ASH_ICH_VMCR_VENG1       (UINT32_C(1) << 1)
#define ASH_ICH_VMCR_VFIQEN      (UINT32_C(1) << 3) /* RES1 with system register access */
#define ASH_ICH_VMCR_VCBPR       (UINT32_C(1) << 4)
#define ASH_ICH_VMCR_VEOIM       (UINT32_C(1) << 9)
#define ASH_ICH_VMCR_VBPR1_SHIFT 18
#define ASH_ICH_VMCR_VBPR0_SHIFT 21
#define ASH_ICH_VMCR_VPMR_SHIFT  24

#define ASH_ICH_MISR_EOI    (UINT32_C(1) << 0)
#define ASH_ICH_MISR_U      (UINT32_C(1) << 1)
#define ASH_ICH_MISR_LRENP  (UINT32_C(1) << 2)
#define ASH_ICH_MISR_NP     (UINT32_C(1) << 3)
#define ASH_ICH_MISR_VGRP0E (UINT32_C(1) << 4)
#define ASH_ICH_MISR_VGRP0D (UINT32_C(1) << 5)
#define ASH_ICH_MISR_VGRP1E (UINT32_C(1) << 6)
#define ASH_ICH_MISR_VGRP1D (UINT32_C(1) << 7)

#endif
