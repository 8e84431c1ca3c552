/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's first instructions: EL1h, MMU and caches off, x0: device tree (vCPU 0) or PSCI's context_id. */
    .section .text.start, "ax"
    .globl _start
_start:
    mov     x20, x0
    adrp    x1, guest_vectors
    add     x1, x1, :lo12:guest_vectors
    msr     vbar_el1, x1
    isb
    adrp    x1, __bss_start
    add     x1, x1, :lo12:__bss_start
    adrp    x2, __bss_end
    add     x2, x2, :lo12:__bss_end
1:  cmp     x1, x2
    b.hs    2f
    stp     xzr, xzr, [x1], #16
    b       1b
2:  mov     x19, #0
    b       enter

/* Where PSCI CPU_ON sends another vCPU; x0: context_id, its number. */
    .globl guest_secondary_start
guest_secondary_start:
    mov     x20, x0
    mov     x19, x0
    adrp    x1, guest_vectors
    add     x1, x1, :lo12:guest_vectors
    msr     vbar_el1, x1
    isb
enter:
    adrp    x1, __stacks_end
    add     x1, x1, :lo12:__stacks_end
    sub     x1, x1, x19, lsl #13
    mov     sp, x1
    mov     x0, x20
    mov     x29, xzr
    mov     x30, xzr
    cbnz    x19, 3f
    bl      guest_main
    b       guest_off
3:  bl      guest_secondary
0:  wfi
    b       0b

    .macro vector kind
    .balign 128
    stp     x29, x30, [sp, #-192]!
    stp     x0, x1, [sp, #16]
    stp     x2, x3, [sp, #32]
    stp     x4, x5, [sp, #48]
    stp     x6, x7, [sp, #64]
    stp     x8, x9, [sp, #80]
    stp     x10, x11, [sp, #96]
    stp     x12, x13, [sp, #112]
    stp     x14, x15, [sp, #128]
    stp     x16, x17, [sp, #144]
    mrs     x1, elr_el1
    mrs     x2, spsr_el1
    stp     x18, x1, [sp, #160]
    str     x2, [sp, #176]
    mov     x0, #\kind
    add     x1, sp, #168                /* where the handler may change ELR */
    bl      guest_exception
    b       leave
    .endm

leave:
    ldr     x2, [sp, #176]
    ldp     x18, x1, [sp, #160]
    msr     elr_el1, x1
    msr     spsr_el1, x2
    ldp     x16, x17, [sp, #144]
    ldp     x14, x15, [sp, #128]
    ldp     x12, x13, [sp, #112]
    ldp     x10, x11, [sp, #96]
    ldp     x8, x9, [sp, #80]
    ldp     x6, x7, [sp, #64]
    ldp     x4, x5, [sp, #48]
    ldp     x2, x3, [sp, #32]
    ldp     x0, x1, [sp, #16]
    ldp     x29, x30, [sp], #192
    eret

    .balign 2048
    .globl guest_vectors
guest_vectors:
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vector \number
    .endr
