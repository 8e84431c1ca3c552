/* SPDX-License-Identifier: BSD-2-Clause */
/* Start-up, exception vectors and a way into EL1: all that stands between these programs and the machine. MMU and
 * caches are off, as after reset. */
    .section .text.start, "ax"
    .global _start
_start:
    mrs     x0, CurrentEL
    cmp     x0, #(2 << 2)
    b.ne    .                       /* not EL2: the test runs into its time limit */
    mrs     x0, mpidr_el1
    tst     x0, #0xff
    b.ne    .
    adrp    x0, stack_end
    add     x0, x0, :lo12:stack_end
    mov     sp, x0
    adrp    x0, vectors
    add     x0, x0, :lo12:vectors
    msr     vbar_el2, x0
    adrp    x0, bss_start
    add     x0, x0, :lo12:bss_start
    adrp    x1, bss_end
    add     x1, x1, :lo12:bss_end
1:  cmp     x0, x1
    b.hs    2f
    str     xzr, [x0], #8
    b       1b
2:  isb
    bl      bare_main
    /* falls through: the machine goes off */

/* void machine_off(void): PSCI SYSTEM_OFF, by SMC on a machine that has EL2 (DEN0022 5.10). */
    .global machine_off
machine_off:
    mov     w0, #0x0008
    movk    w0, #0x8400, lsl #16
    smc     #0
    b       .

/* int guest_run(struct guest *guest): enter EL1, come back with its next exception. 0 synchronous, 1 IRQ. */
    .text
    .global guest_run
guest_run:
    stp     x19, x20, [sp, #-96]!
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    msr     tpidr_el2, x0
    ldp     x1, x2, [x0, #248]      /* pc, pstate */
    msr     elr_el2, x1
    msr     spsr_el2, x2
    ldp     x2, x3, [x0, #16]
    ldp     x4, x5, [x0, #32]
    ldp     x6, x7, [x0, #48]
    ldp     x8, x9, [x0, #64]
    ldp     x10, x11, [x0, #80]
    ldp     x12, x13, [x0, #96]
    ldp     x14, x15, [x0, #112]
    ldp     x16, x17, [x0, #128]
    ldp     x18, x19, [x0, #144]
    ldp     x20, x21, [x0, #160]
    ldp     x22, x23, [x0, #176]
    ldp     x24, x25, [x0, #192]
    ldp     x26, x27, [x0, #208]
    ldp     x28, x29, [x0, #224]
    ldr     x30, [x0, #240]
    ldp     x0, x1, [x0]
    eret

    .macro  guest_exit reason
    stp     x0, x1, [sp, #-16]!
    mov     x1, #\reason
    b       guest_left
    .endm

guest_left:
    mrs     x0, tpidr_el2
    stp     x2, x3, [x0, #16]
    stp     x4, x5, [x0, #32]
    stp     x6, x7, [x0, #48]
    stp     x8, x9, [x0, #64]
    stp     x10, x11, [x0, #80]
    stp     x12, x13, [x0, #96]
    stp     x14, x15, [x0, #112]
    stp     x16, x17, [x0, #128]
    stp     x18, x19, [x0, #144]
    stp     x20, x21, [x0, #160]
    stp     x22, x23, [x0, #176]
    stp     x24, x25, [x0, #192]
    stp     x26, x27, [x0, #208]
    stp     x28, x29, [x0, #224]
    str     x30, [x0, #240]
    ldp     x2, x3, [sp], #16
    stp     x2, x3, [x0]
    mrs     x2, elr_el2
    mrs     x3, spsr_el2
    stp     x2, x3, [x0, #248]
    mov     x0, x1
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldp     x29, x30, [sp, #80]
    ldp     x19, x20, [sp], #96
    ret

    .balign 2048
vectors:
    .rept 8                         /* from EL2 itself: a defect of the program */
    mrs     x0, esr_el2
    mrs     x1, elr_el2
    bl      own_fault
    .balign 128
    .endr
    guest_exit 0
    .balign 128
    guest_exit 1
    .balign 128
    .rept 6
    mrs     x0, esr_el2
    mrs     x1, elr_el2
    bl      own_fault
    .balign 128
    .endr
