/* SPDX-License-Identifier: BSD-2-Clause */
/* V0..V31, FPCR, FPSR to and from struct ash_vcpu_fp. C is built without them (-mgeneral-regs-only), so that only
 * these two functions ever touch a guest's. */
#include <libvcpu/context_offsets.h>

    .arch_extension fp
    .arch_extension simd

    .macro each_pair op
    \op     q0, q1, [x0, #(ASH_VCPU_FP_V0 + 0)]
    \op     q2, q3, [x0, #(ASH_VCPU_FP_V0 + 32)]
    \op     q4, q5, [x0, #(ASH_VCPU_FP_V0 + 64)]
    \op     q6, q7, [x0, #(ASH_VCPU_FP_V0 + 96)]
    \op     q8, q9, [x0, #(ASH_VCPU_FP_V0 + 128)]
    \op     q10, q11, [x0, #(ASH_VCPU_FP_V0 + 160)]
    \op     q12, q13, [x0, #(ASH_VCPU_FP_V0 + 192)]
    \op     q14, q15, [x0, #(ASH_VCPU_FP_V0 + 224)]
    \op     q16, q17, [x0, #(ASH_VCPU_FP_V0 + 256)]
    \op     q18, q19, [x0, #(ASH_VCPU_FP_V0 + 288)]
    \op     q20, q21, [x0, #(ASH_VCPU_FP_V0 + 320)]
    \op     q22, q23, [x0, #(ASH_VCPU_FP_V0 + 352)]
    \op     q24, q25, [x0, #(ASH_VCPU_FP_V0 + 384)]
    \op     q26, q27, [x0, #(ASH_VCPU_FP_V0 + 416)]
    \op     q28, q29, [x0, #(ASH_VCPU_FP_V0 + 448)]
    \op     q30, q31, [x0, #(ASH_VCPU_FP_V0 + 480)]
    .endm

    .section .text.ash_vcpu_el2_fp_load, "ax"
    .globl ash_vcpu_el2_fp_load
    .type ash_vcpu_el2_fp_load, %function
    .balign 16
ash_vcpu_el2_fp_load:
    each_pair ldp
    ldr     x1, [x0, #ASH_VCPU_FP_FPCR]
    ldr     x2, [x0, #ASH_VCPU_FP_FPSR]
    msr     fpcr, x1
    msr     fpsr, x2
    ret
    .size ash_vcpu_el2_fp_load, . - ash_vcpu_el2_fp_load

    .section .text.ash_vcpu_el2_fp_save, "ax"
    .globl ash_vcpu_el2_fp_save
    .type ash_vcpu_el2_fp_save, %function
    .balign 16
ash_vcpu_el2_fp_save:
    each_pair stp
    mrs     x1, fpcr
    mrs     x2, fpsr
    str     x1, [x0, #ASH_VCPU_FP_FPCR]
    str     x2, [x0, #ASH_VCPU_FP_FPSR]
    ret
    .size ash_vcpu_el2_fp_save, . - ash_vcpu_el2_fp_save
