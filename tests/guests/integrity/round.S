/* SPDX-License-Identifier: BSD-2-Clause */
/* A round: every register gets its value, a body runs at EL1 or EL0, every register is read back. Bodies end with SVC;
 * what they change besides is in main.c's table. One 4 KiB page of its own, which EL0 may execute. */
#include "common/registers.S"

#define X       0
#define PC      248
#define SPSR    256
#define SP_EL0_ 264
#define FPCR_   272
#define FPSR_   280
#define TPIDR   288
#define Q       512
#define OUT     1024
#define SVC_ESR 0x56000077

    .arch_extension fp
    .arch_extension simd

    .section .text.integrity, "ax"
    /* void integrity_round(struct round *); the pointer is in TPIDR_EL1 meanwhile. */
    .globl integrity_round
integrity_round:
    push_callee_saved
    msr     tpidr_el1, x0
    add     x1, x0, #Q
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, \
        29, 30, 31
    ldr     q\n, [x1], #16
    .endr
    ldp     x1, x2, [x0, #PC]
    ldp     x3, x4, [x0, #SP_EL0_]
    ldp     x5, x6, [x0, #FPSR_]
    msr     sp_el0, x3
    msr     fpcr, x4
    msr     fpsr, x5
    msr     tpidr_el0, x6
    msr     daifset, #2                 /* ELR and SPSR are ours */
    msr     elr_el1, x1
    msr     spsr_el1, x2
    load_from_x2
    ldp     x0, x1, [x0]
    eret

    /* SVC or something else; from EL1 or EL0, the frame's address is the same. */
    .macro round_end other
    stp     x0, x1, [sp, #-16]!
    mrs     x0, esr_el1
    movz    x1, #(SVC_ESR & 0xffff)
    movk    x1, #(SVC_ESR >> 16), lsl #16
    cmp     x0, x1
    b.eq    round_over
    ldp     x0, x1, [sp], #16
    b       guest_vectors + \other
    .endm

round_over:
    mrs     x0, tpidr_el1
    add     x0, x0, #OUT
    store_from_x2
    ldp     x2, x3, [sp], #16
    stp     x2, x3, [x0]
    mrs     x1, elr_el1
    mrs     x2, spsr_el1
    stp     x1, x2, [x0, #PC]
    mrs     x1, sp_el0
    mrs     x2, fpcr
    stp     x1, x2, [x0, #SP_EL0_]
    mrs     x1, fpsr
    mrs     x2, tpidr_el0
    stp     x1, x2, [x0, #FPSR_]
    add     x1, x0, #Q
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, \
        29, 30, 31
    str     q\n, [x1], #16
    .endr
    pop_callee_saved
    msr     daifclr, #2
    ret

    .balign 2048
    .globl integrity_vectors
integrity_vectors:
    .irp at, 0x000, 0x080, 0x100, 0x180
    .balign 128
    b       guest_vectors + \at
    .endr
    .balign 128
    round_end 0x200
    .irp at, 0x280, 0x300, 0x380
    .balign 128
    b       guest_vectors + \at
    .endr
    .balign 128
    round_end 0x400
    .balign 128
    b       guest_vectors + 0x280       /* an IRQ like any */
    .irp at, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
    .balign 128
    b       guest_vectors + \at
    .endr

    .section .text.integrity_bodies, "ax"
    .macro body name
    .globl body_\name
body_\name:
    .endm
    .macro end_of_body name
    svc     #0x77
    .globl body_\name\()_end
body_\name\()_end:
    .endm

    .balign 4096
    .globl integrity_bodies
integrity_bodies:
    /* x29: how often. */
    body    spin
1:  sub     x29, x29, #1
    cbnz    x29, 1b
    end_of_body spin

    body    hvc
1:  hvc     #0
    sub     x29, x29, #1
    cbnz    x29, 1b
    end_of_body hvc

    body    smc
1:  smc     #0
    sub     x29, x29, #1
    cbnz    x29, 1b
    end_of_body smc

    /* x29: a register of a device */
    body    load
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, \
        30
    ldr     w\n, [x29]
    .endr
    end_of_body load

    body    store
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, \
        30
    str     w\n, [x29]
    .endr
    end_of_body store

    /* x28: a register that may be written, x29: one to read */
    body    decoded
    str     s6, [x28]
    ldr     s5, [x29]
    ldp     w3, w4, [x29]
    ldr     w19, [x29], #4
    ldp     s30, s31, [x29, #-4]!
    stp     s7, s8, [x28]
    ldar    w20, [x29]
    end_of_body decoded

    body    id
    mrs     x1, id_aa64mmfr0_el1
    mrs     x18, id_aa64mmfr0_el1
    mrs     x19, id_aa64mmfr0_el1
    mrs     x29, id_aa64mmfr0_el1
    mrs     x30, id_aa64mmfr0_el1
    end_of_body id

    /* x7: ICC_SGI1R_EL1 */
    body    sgi3
    msr     S3_0_C12_C11_5, x7
    sub     x29, x29, #1
    cbnz    x29, body_sgi3
    end_of_body sgi3

    /* w7: to GICD_SGIR at x8 */
    body    sgi2
    str     w7, [x8]
    sub     x29, x29, #1
    cbnz    x29, body_sgi2
    end_of_body sgi2

    /* x1 to x2, x29 times 64 bytes, by q0..q3 */
    body    copy
1:  ldp     q0, q1, [x1], #32
    ldp     q2, q3, [x1], #32
    stp     q0, q1, [x2], #32
    stp     q2, q3, [x2], #32
    sub     x29, x29, #1
    cbnz    x29, 1b
    end_of_body copy

    /* *x1 += 1, x29 times; x2, w3: scratch */
    body    atomic
1:  ldaxr   x2, [x1]
    add     x2, x2, #1
    stlxr   w3, x2, [x1]
    cbnz    w3, 1b
    sub     x29, x29, #1
    cbnz    x29, 1b
    end_of_body atomic

    body    wfi
1:  wfi
    sub     x29, x29, #1
    cbnz    x29, 1b
    end_of_body wfi

    /* x1: RAM */
    body    cache
1:  dc      civac, x1
    dc      cvau, x1
    dsb     ish
    ic      ivau, x1
    dsb     ish
    isb
    sub     x29, x29, #1
    cbnz    x29, 1b
    end_of_body cache

    body    tlb
1:  tlbi    vmalle1is
    dsb     ish
    isb
    sub     x29, x29, #1
    cbnz    x29, 1b
    end_of_body tlb

    /* v0 += v1 by doublewords */
    body    simd
1:  add     v0.2d, v0.2d, v1.2d
    sub     x29, x29, #1
    cbnz    x29, 1b
    end_of_body simd
    .balign 4096
