/* SPDX-License-Identifier: BSD-2-Clause */
/* memcpy, memmove, memset, memcmp: general registers only, at any alignment. For Normal memory, once the MMU is on:
 * SCTLR_EL2.A is 0 (hv_early_map()), and DC ZVA faults on Device memory (DDI 0487 C5.3.5). */

    .section .text.memset, "ax"
    .globl memset
memset:
    and     w1, w1, #0xff
    orr     w1, w1, w1, lsl #8
    orr     w1, w1, w1, lsl #16
    orr     x1, x1, x1, lsl #32
    add     x4, x0, x2                  /* the first bytes and the last ones, which may be the same */
    cmp     x2, #16
    b.ls    4f
    stp     x1, x1, [x0]
    stp     x1, x1, [x4, #-16]
    cmp     x2, #32
    b.ls    3f
    stp     x1, x1, [x0, #16]
    stp     x1, x1, [x4, #-32]
    cmp     x2, #64
    b.ls    3f
    stp     x1, x1, [x0, #32]
    stp     x1, x1, [x0, #48]
    stp     x1, x1, [x4, #-64]!
    stp     x1, x1, [x4, #16]
    add     x3, x0, #64                 /* between them, lines of 64 bytes: up to one that begins behind x4 */
    and     x3, x3, #~63
    mrs     x5, dczid_el0
    cmp     x5, #4                      /* DC ZVA is allowed, and zeroes 64 bytes */
    ccmp    x1, #0, #0, eq
    b.ne    20f
    sub     x5, x4, #192
    b       11f
10: .rept   4
    dc      zva, x3
    add     x3, x3, #64
    .endr
11: cmp     x3, x5
    b.ls    10b
    b       13f
12: dc      zva, x3
    add     x3, x3, #64
13: cmp     x3, x4
    b.ls    12b
    ret
2:  stp     x1, x1, [x3]
    stp     x1, x1, [x3, #16]
    stp     x1, x1, [x3, #32]
    stp     x1, x1, [x3, #48]
    add     x3, x3, #64
20: cmp     x3, x4
    b.ls    2b
3:  ret
4:  cmp     x2, #8
    b.lo    5f
    str     x1, [x0]
    stur    x1, [x4, #-8]
    ret
5:  tbz     x2, #2, 6f
    str     w1, [x0]
    stur    w1, [x4, #-4]
    ret
6:  cbz     x2, 7f
    lsr     x3, x2, #1                  /* of 1 to 3 bytes the first, the middle one, the last */
    strb    w1, [x0]
    strb    w1, [x0, x3]
    sturb   w1, [x4, #-1]
7:  ret

    .section .text.memmove, "ax"
    .globl memmove
    .globl memcpy
memmove:
    cmp     x0, x1
    b.ls    memcpy
    add     x3, x1, x2
    cmp     x0, x3
    b.lo    copy_backwards
memcpy:
    mov     x3, x0
    cmp     x2, #64
    b.ls    2f
    sub     x2, x2, #64                 /* of what is left, what is above 64 */
1:  ldp     x7, x8, [x1, #16]
    ldp     x9, x10, [x1, #32]
    ldp     x11, x12, [x1, #48]
    ldp     x5, x6, [x1], #64
    stp     x7, x8, [x3, #16]
    stp     x9, x10, [x3, #32]
    stp     x11, x12, [x3, #48]
    stp     x5, x6, [x3], #64
    subs    x2, x2, #64
    b.hi    1b
    add     x2, x2, #64
2:  add     x4, x1, x2                  /* up to 64 bytes: the first and the last of them, which may be the same, */
    add     x5, x3, x2                  /* and all loads before the stores: memmove's ranges may overlap */
    cmp     x2, #16
    b.ls    4f
    cmp     x2, #32
    b.ls    3f
    ldp     x6, x7, [x1]
    ldp     x8, x9, [x1, #16]
    ldp     x10, x11, [x4, #-32]
    ldp     x12, x13, [x4, #-16]
    stp     x6, x7, [x3]
    stp     x8, x9, [x3, #16]
    stp     x10, x11, [x5, #-32]
    stp     x12, x13, [x5, #-16]
    ret
3:  ldp     x6, x7, [x1]
    ldp     x8, x9, [x4, #-16]
    stp     x6, x7, [x3]
    stp     x8, x9, [x5, #-16]
    ret
4:  cmp     x2, #8
    b.lo    5f
    ldr     x6, [x1]
    ldur    x7, [x4, #-8]
    str     x6, [x3]
    stur    x7, [x5, #-8]
    ret
5:  tbz     x2, #2, 6f
    ldr     w6, [x1]
    ldur    w7, [x4, #-4]
    str     w6, [x3]
    stur    w7, [x5, #-4]
    ret
6:  cbz     x2, 7f
    lsr     x6, x2, #1                  /* of 1 to 3 bytes the first, the middle one, the last */
    ldrb    w7, [x1]
    ldrb    w8, [x1, x6]
    ldurb   w9, [x4, #-1]
    strb    w7, [x3]
    strb    w8, [x3, x6]
    sturb   w9, [x5, #-1]
7:  ret

copy_backwards:
    add     x1, x1, x2
    add     x3, x0, x2
1:  cbz     x2, 2f
    ldrb    w5, [x1, #-1]!
    strb    w5, [x3, #-1]!
    sub     x2, x2, #1
    b       1b
2:  ret

    .section .text.memcmp, "ax"
    .globl memcmp
memcmp:
    cbz     x2, 1f
    ldrb    w3, [x0], #1
    ldrb    w4, [x1], #1
    sub     x2, x2, #1
    subs    w3, w3, w4
    b.eq    memcmp
    mov     w0, w3
    ret
1:  mov     w0, #0
    ret
