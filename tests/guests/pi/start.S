/* SPDX-License-Identifier: BSD-2-Clause */
/* As bare Raspberry Pi programs begin: at EL2 on the board, at EL1 in a VM. CurrentEL says which; only at EL2 are EL2's
 * registers touched. The other cores come here from the spin table. */
    .section .text.start, "ax"
    .globl _start
_start:
    mov     x21, x0                     /* device tree, or ATAGs */
    mrs     x19, mpidr_el1
    and     x19, x19, #3
    mov     x20, #0
    b       1f

/* Where pi_start_core() sends the others. */
    .globl pi_secondary
pi_secondary:
    mrs     x19, mpidr_el1
    and     x19, x19, #3
    mov     x20, #1

1:  mrs     x1, CurrentEL
    lsr     x22, x1, #2
    cmp     x22, #2
    b.ne    at_el1
    mov     x1, #3                      /* EL1 has counter and timers: CNTHCTL_EL2 */
    msr     cnthctl_el2, x1
    msr     cntvoff_el2, xzr
    mov     x1, #(1 << 31)              /* HCR_EL2.RW */
    msr     hcr_el2, x1
    mov     x1, #0x33ff
    msr     cptr_el2, x1
    msr     hstr_el2, xzr
    mrs     x1, midr_el1
    msr     vpidr_el2, x1
    mrs     x1, mpidr_el1
    msr     vmpidr_el2, x1
    mov     x1, #0x3c5                  /* EL1h, DAIF masked */
    msr     spsr_el2, x1
    adr     x1, at_el1
    msr     elr_el2, x1
    eret

at_el1:
    mov     x1, #(3 << 20)              /* CPACR_EL1.FPEN */
    msr     cpacr_el1, x1
    ldr     x1, =0x30d00800             /* SCTLR_EL1: RES1, MMU and caches off */
    msr     sctlr_el1, x1
    adrp    x1, pi_vectors
    add     x1, x1, :lo12:pi_vectors
    msr     vbar_el1, x1
    isb
    adrp    x1, __stacks_end
    add     x1, x1, :lo12:__stacks_end
    sub     x1, x1, x19, lsl #14
    mov     sp, x1
    cbnz    x20, 3f
    adrp    x1, __bss_start
    add     x1, x1, :lo12:__bss_start
    adrp    x2, __bss_end
    add     x2, x2, :lo12:__bss_end
2:  cmp     x1, x2
    b.hs    3f
    stp     xzr, xzr, [x1], #16
    b       2b
3:  mov     x29, xzr
    mov     x30, xzr
    mov     x0, x21
    mov     x1, x22
    cbnz    x20, 4f
    bl      pi_main
    bl      pi_off
4:  mov     x0, x19
    bl      pi_core
5:  wfe
    b       5b

/* On the stack, lowest first: x0..x30, ELR, SPSR, SP_EL0. The handler may return another stack pointer: it is another
 * process's frame. */
#define FRAME 288
    .macro vector kind
    .balign 128
    sub     sp, sp, #FRAME
    stp     x0, x1, [sp]
    mov     x0, #\kind
    b       exception
    .endm

exception:
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x2, elr_el1
    mrs     x3, spsr_el1
    mrs     x4, sp_el0
    stp     x30, x2, [sp, #240]
    stp     x3, x4, [sp, #256]
    mov     x1, sp
    bl      pi_exception                /* (kind, frame): the frame to go on with */
    mov     sp, x0
    ldp     x30, x2, [sp, #240]
    ldp     x3, x4, [sp, #256]
    msr     elr_el1, x2
    msr     spsr_el1, x3
    msr     sp_el0, x4
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    ldp     x0, x1, [sp]
    add     sp, sp, #FRAME
    eret

    .balign 2048
pi_vectors:
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vector \number
    .endr
