/* SPDX-License-Identifier: BSD-2-Clause */
/* Running anything, and coming back from it. Whatever an instruction did to the registers, the stack pointer or to
 * PSTATE, chaos_again() begins anew on this vCPU's stack; what is known is in memory. */
#include "chaos.h"
#include "common/registers.S"

    .macro all_registers
    load_from_x2
    ldp     x0, x1, [x0]
    .endm

/* void chaos_execute(const uint64_t registers[31], uint64_t vcpu): this vCPU's word of chaos_code, with these
 * registers. Does not return. */
    .section .text.chaos, "ax"
    .globl chaos_execute
chaos_execute:
    cbnz    x1, 1f
    all_registers
    b       chaos_code
1:  all_registers
    b       chaos_code + CHAOS_CODE_STEP

/* After the word, or an exception: what keeps us from going on is set right, without memory first. */
after:
    msr     daifset, #0xf
    msr     spsel, #1
    mrs     x9, sctlr_el1
    bic     x9, x9, #(1 << 25)          /* EE */
    bic     x9, x9, #(1 << 19)          /* WXN */
    bic     x9, x9, #(1 << 1)           /* A */
    msr     sctlr_el1, x9
    isb
again:
    adrp    x1, chaos_vectors
    add     x1, x1, :lo12:chaos_vectors
    msr     vbar_el1, x1
    mrs     x0, mpidr_el1
    and     x0, x0, #0xff
    adrp    x1, __stacks_end
    add     x1, x1, :lo12:__stacks_end
    sub     x1, x1, x0, lsl #13
    mov     sp, x1
    mov     x29, xzr
    mov     x30, xzr
    adrp    x1, chaos_loop
    add     x1, x1, :lo12:chaos_loop
    msr     elr_el1, x1
    mov     x1, #0x3c5                  /* EL1h, all masked; the rest of PSTATE 0 */
    msr     spsr_el1, x1
    isb
    eret

    .globl chaos_again
chaos_again:
    b       after

/* Where CPU_ON sends the other one. */
    .globl chaos_secondary
chaos_secondary:
    b       after

    .macro ends kind
    .balign 128
    b       faulted
    .endm
    .macro interrupts
    .balign 128
    b       interrupted
    .endm

    .balign 2048
    .globl chaos_vectors
chaos_vectors:
    ends    0
    ends    1
    ends    2
    ends    3
    ends    4
    interrupts
    ends    6
    ends    7
    ends    8
    interrupts
    ends    10
    ends    11
    ends    12
    interrupts
    ends    14
    ends    15

/* Counted, and on with the next. */
faulted:
    msr     spsel, #1
    mrs     x9, sctlr_el1
    bic     x9, x9, #(1 << 25)
    bic     x9, x9, #(1 << 19)
    msr     sctlr_el1, x9
    isb
    mrs     x0, mpidr_el1
    and     x0, x0, #0xff
    adrp    x1, chaos_faults
    add     x1, x1, :lo12:chaos_faults
    ldr     x2, [x1, x0, lsl #3]
    add     x2, x2, #1
    str     x2, [x1, x0, lsl #3]
    b       after

/* Taken from anywhere: what was interrupted is over. */
interrupted:
    msr     spsel, #1
    mrs     x9, sctlr_el1
    bic     x9, x9, #(1 << 25)
    msr     sctlr_el1, x9
    isb
    mrs     x0, mpidr_el1
    and     x0, x0, #0xff
    adrp    x1, __stacks_end
    add     x1, x1, :lo12:__stacks_end
    sub     x1, x1, x0, lsl #13
    mov     sp, x1
    bl      chaos_interrupt
    b       after

/* A word for each vCPU, and the way back. */
    .section .data.chaos, "aw"
    .balign 4096                        /* with nothing that is written otherwise: an emulator translates it anew */
    .globl chaos_code
chaos_code:
    nop
    b       after
    .balign CHAOS_CODE_STEP
    nop
    b       after
    .balign 4096
