/* SPDX-License-Identifier: BSD-2-Clause */
/* Macros that move many registers. Included by others; gives no code of its own. */

    /* x2..x30, as they stand in an array of x0..x30 at x0. x0 and x1 are the user's own affair. */
    .macro each_from_x2 pair, one
    \pair   x2, x3, [x0, #16]
    \pair   x4, x5, [x0, #32]
    \pair   x6, x7, [x0, #48]
    \pair   x8, x9, [x0, #64]
    \pair   x10, x11, [x0, #80]
    \pair   x12, x13, [x0, #96]
    \pair   x14, x15, [x0, #112]
    \pair   x16, x17, [x0, #128]
    \pair   x18, x19, [x0, #144]
    \pair   x20, x21, [x0, #160]
    \pair   x22, x23, [x0, #176]
    \pair   x24, x25, [x0, #192]
    \pair   x26, x27, [x0, #208]
    \pair   x28, x29, [x0, #224]
    \one    x30, [x0, #240]
    .endm

    .macro load_from_x2
    each_from_x2 ldp, ldr
    .endm
    .macro store_from_x2
    each_from_x2 stp, str
    .endm

    /* What a function has to keep (AAPCS64 6.1.1), in a frame of 96 bytes. */
    .macro push_callee_saved
    stp     x29, x30, [sp, #-96]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    .endm
    .macro pop_callee_saved
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #96
    .endm
