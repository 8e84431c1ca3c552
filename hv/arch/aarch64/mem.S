/* SPDX-License-Identifier: BSD-2-Clause */
/* memcpy, memmove, memset, memcmp: general registers only, aligned accesses once the ends are done. */

    .section .text.memset, "ax"
    .globl memset
memset:
    mov     x3, x0
    and     w1, w1, #0xff
    orr     w1, w1, w1, lsl #8
    orr     w1, w1, w1, lsl #16
    orr     x1, x1, x1, lsl #32
1:  tst     x3, #15                     /* bytes up to a 16-byte boundary */
    b.eq    2f
    cbz     x2, 5f
    strb    w1, [x3], #1
    sub     x2, x2, #1
    b       1b
2:  subs    x2, x2, #16
    b.lo    3f
    stp     x1, x1, [x3], #16
    b       2b
3:  add     x2, x2, #16
4:  cbz     x2, 5f
    strb    w1, [x3], #1
    sub     x2, x2, #1
    b       4b
5:  ret

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
    eor     x4, x0, x1
    tst     x4, #7                      /* can both be 8-byte aligned at once? */
    b.ne    4f
1:  tst     x3, #7
    b.eq    2f
    cbz     x2, 5f
    ldrb    w5, [x1], #1
    strb    w5, [x3], #1
    sub     x2, x2, #1
    b       1b
2:  subs    x2, x2, #32
    b.lo    3f
    ldp     x5, x6, [x1], #16
    ldp     x7, x8, [x1], #16
    stp     x5, x6, [x3], #16
    stp     x7, x8, [x3], #16
    b       2b
3:  add     x2, x2, #32
30: subs    x2, x2, #8
    b.lo    31f
    ldr     x5, [x1], #8
    str     x5, [x3], #8
    b       30b
31: add     x2, x2, #8
4:  cbz     x2, 5f
    ldrb    w5, [x1], #1
    strb    w5, [x3], #1
    sub     x2, x2, #1
    b       4b
5:  ret

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
