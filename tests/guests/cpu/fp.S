/* SPDX-License-Identifier: BSD-2-Clause */
/* void cpu_fp_over(uint64_t exit, const uint64_t *in, uint64_t *out) */
    .arch_extension fp
    .arch_extension simd

    .macro each op
    \op     q0, q1, [x9]
    \op     q2, q3, [x9, #32]
    \op     q4, q5, [x9, #64]
    \op     q6, q7, [x9, #96]
    \op     q8, q9, [x9, #128]
    \op     q10, q11, [x9, #160]
    \op     q12, q13, [x9, #192]
    \op     q14, q15, [x9, #224]
    \op     q16, q17, [x9, #256]
    \op     q18, q19, [x9, #288]
    \op     q20, q21, [x9, #320]
    \op     q22, q23, [x9, #352]
    \op     q24, q25, [x9, #384]
    \op     q26, q27, [x9, #416]
    \op     q28, q29, [x9, #448]
    \op     q30, q31, [x9, #480]
    .endm

    .section .text.cpu_fp_over, "ax"
    .globl cpu_fp_over
cpu_fp_over:
    stp     x29, x30, [sp, #-32]!
    str     x2, [sp, #16]
    mov     x9, x1
    each    ldp
    add     x12, x9, #512
    ldp     x10, x11, [x12]
    msr     fpcr, x10
    msr     fpsr, x11
    adr     x10, exits
    add     x10, x10, x0, lsl #4        /* 16 bytes each */
    blr     x10
    ldr     x9, [sp, #16]
    each    stp
    mrs     x10, fpcr
    mrs     x11, fpsr
    add     x12, x9, #512
    stp     x10, x11, [x12]
    ldp     x29, x30, [sp], #32
    ret

exits:
    movz    x0, #0x8400, lsl #16        /* HVC: PSCI_VERSION */
    hvc     #0
    ret
    nop
    movz    x0, #0x8400, lsl #16        /* SMC */
    smc     #0
    ret
    nop
    mrs     x0, id_aa64pfr0_el1         /* a register that traps */
    ret
    nop
    nop
    movz    x0, #0x900, lsl #16         /* a device, by syndrome */
    ldr     w1, [x0, #0x18]
    ret
    nop
    movz    x0, #0x901, lsl #16         /* a device, by a pair of general registers */
    ldp     w1, w2, [x0, #4]
    ret
    nop
    dc      cisw, xzr
    ret
    nop
    nop
    movz    x0, #0x1000, lsl #16        /* an abort, skipped by the handler */
    ldr     w1, [x0]
    ret
    nop
    mrs     x0, pmcr_el0                /* UNDEFINED, likewise */
    ret
    nop
    nop
