/* SPDX-License-Identifier: BSD-2-Clause */
/* void faults_run(struct faults_start *start, struct faults_end *end): enter code by ERET, and come back with the first
 * exception that it takes, of whatever kind, from whatever level, with whatever stack pointer: no stack is used. */
    .section .text.faults_run, "ax"
    .globl faults_run
faults_run:
    adrp    x9, keep
    add     x9, x9, :lo12:keep
    stp     x19, x20, [x9]
    stp     x21, x22, [x9, #16]
    stp     x23, x24, [x9, #32]
    stp     x25, x26, [x9, #48]
    stp     x27, x28, [x9, #64]
    stp     x29, x30, [x9, #80]
    mov     x10, sp
    mrs     x11, vbar_el1
    stp     x10, x11, [x9, #96]
    str     x1, [x9, #112]
    adrp    x11, vectors
    add     x11, x11, :lo12:vectors
    msr     vbar_el1, x11
    ldp     x12, x13, [x0]              /* pc, pstate */
    ldp     x14, x15, [x0, #16]         /* sp, x0 */
    ldr     x1, [x0, #32]               /* x1 */
    msr     elr_el1, x12
    msr     spsr_el1, x13
    tbnz    x13, #0, 1f                 /* EL1h: SP_EL1; else SP_EL0 */
    msr     sp_el0, x14
    b       2f
1:  mov     sp, x14
2:  mov     x0, x15
    mov     x2, #0x2222
    isb
    eret

    .macro vector number
    .balign 128
    msr     tpidr_el1, x0
    mov     x0, #\number
    b       taken
    .endm

    .balign 2048
vectors:
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vector \number
    .endr

taken:
    adrp    x9, keep
    add     x9, x9, :lo12:keep
    ldr     x10, [x9, #112]             /* struct faults_end */
    mrs     x11, esr_el1
    mrs     x12, far_el1
    stp     x0, x11, [x10]
    mrs     x13, elr_el1
    stp     x12, x13, [x10, #16]
    mrs     x11, spsr_el1
    mrs     x12, tpidr_el1
    stp     x11, x12, [x10, #32]
    stp     x1, x2, [x10, #48]
    ldp     x11, x12, [x9, #96]
    mov     sp, x11
    msr     vbar_el1, x12
    isb
    ldp     x19, x20, [x9]
    ldp     x21, x22, [x9, #16]
    ldp     x23, x24, [x9, #32]
    ldp     x25, x26, [x9, #48]
    ldp     x27, x28, [x9, #64]
    ldp     x29, x30, [x9, #80]
    ret

    .bss
    .balign 16
keep:
    .skip   128
