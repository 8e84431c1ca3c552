/* SPDX-License-Identifier: BSD-2-Clause */
/* At EL1, MMU off, all addresses are IPAs. x0: a page to write, x1: a page that is not there at first. */
    .section .guest, "ax"
    .global guest_entry
guest_entry:
    mov     x2, #0x55
    str     x2, [x0]
    hvc     #1
    ldr     x3, [x1]                /* a fault; then it is there */
    hvc     #2
    str     x2, [x0, #8]            /* read-only by now: a fault; then it is not */
    hvc     #3
    ldr     x4, [x1]                /* taken away: a fault */
    hvc     #4
