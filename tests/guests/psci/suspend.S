/* SPDX-License-Identifier: BSD-2-Clause */
/* int64_t psci_suspend(function, a, b, c): an HVC that may come back through psci_resume, on a CPU that has lost
 * its registers: then the result is the context_id. */
#include "common/registers.S"

    .section .text.psci_suspend, "ax"
    .globl psci_suspend
psci_suspend:
    push_callee_saved
    mrs     x4, vbar_el1
    mov     x5, sp
    adr     x6, kept
    stp     x4, x5, [x6]
    hvc     #0
back:
    pop_callee_saved
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
