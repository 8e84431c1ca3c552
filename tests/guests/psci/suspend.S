/* SPDX-License-Identifier: BSD-2-Clause */
/* int64_t psci_suspend(function, a, b, c): an HVC that may come back through psci_resume, on a CPU that has lost
 * its registers: then the result is the context_id. */
    .section .text.psci_suspend, "ax"
    .globl psci_suspend
psci_suspend:
    stp     x29, x30, [sp, #-96]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    mrs     x4, vbar_el1
    mov     x5, sp
    adr     x6, kept
    stp     x4, x5, [x6]
    hvc     #0
back:
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #96
    ret

    .globl psci_resume
psci_resume:
    adr     x6, kept
    ldp     x4, x5, [x6]
    msr     vbar_el1, x4
    mov     sp, x5
    b       back

    .balign 16
kept:                                   /* in the text: the MMU is off, and ADR reaches it */
    .quad   0, 0
