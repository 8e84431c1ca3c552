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
1:  tst     x3, #7                      /* bytes up to a multiple of 8, */
    b.eq    10f
    cbz     x2, 5f
    strb    w1, [x3], #1
    sub     x2, x2, #1
    b       1b
10: tbz     x3, #3, 2f                  /* then of 16 */
    cmp     x2, #8
    b.lo    4f
    str     x1, [x3], #8
    sub     x2, x2, #8
2:  subs    x2, x2, #256
    b.lo    3f
20: .irp    at, 0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240
    stp     x1, x1, [x3, #\at]
    .endr
    add     x3, x3, #256
    subs    x2, x2, #256
    b.hs    20b
3:  tbz     x2, #7, 33f                 /* what is left: x2 is it less 256 */
    .irp    at, 0, 16, 32, 48, 64, 80, 96, 112
    stp     x1, x1, [x3, #\at]
    .endr
    add     x3, x3, #128
33: tbz     x2, #6, 34f
    stp     x1, x1, [x3], #16
    stp     x1, x1, [x3], #16
    stp     x1, x1, [x3], #16
    stp     x1, x1, [x3], #16
34: tbz     x2, #5, 30f
    stp     x1, x1, [x3], #16
    stp     x1, x1, [x3], #16
30: tbz     x2, #4, 31f
    stp     x1, x1, [x3], #16
31: tbz     x2, #3, 32f
    str     x1, [x3], #8
32: and     x2, x2, #7
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
    b.ne    6f
1:  tst     x3, #7
    b.eq    2f
    cbz     x2, 5f
    ldrb    w5, [x1], #1
    strb    w5, [x3], #1
    sub     x2, x2, #1
    b       1b
2:  subs    x2, x2, #64
    b.lo    3f
20: ldp     x5, x6, [x1]
    ldp     x7, x8, [x1, #16]
    ldp     x9, x10, [x1, #32]
    ldp     x11, x12, [x1, #48]
    stp     x5, x6, [x3]
    stp     x7, x8, [x3, #16]
    stp     x9, x10, [x3, #32]
    stp     x11, x12, [x3, #48]
    add     x1, x1, #64
    add     x3, x3, #64
    subs    x2, x2, #64
    b.hs    20b
3:  add     x2, x2, #64
30: subs    x2, x2, #8
    b.lo    31f
    ldr     x5, [x1], #8
    str     x5, [x3], #8
    b       30b
31: add     x2, x2, #8
4:  subs    x2, x2, #4                  /* bytes, by fours; all of them where the two are odd bytes apart */
    b.lo    41f
40: ldrb    w5, [x1], #4
    ldurb   w6, [x1, #-3]
    ldurb   w7, [x1, #-2]
    ldurb   w8, [x1, #-1]
    strb    w5, [x3], #4
    sturb   w6, [x3, #-3]
    sturb   w7, [x3, #-2]
    sturb   w8, [x3, #-1]
    subs    x2, x2, #4
    b.hs    40b
41: tbz     x2, #1, 42f                 /* what is left: x2 is it less 4 */
    ldrb    w5, [x1], #2
    ldurb   w6, [x1, #-1]
    strb    w5, [x3], #2
    sturb   w6, [x3, #-1]
42: tbz     x2, #0, 5f
    ldrb    w5, [x1]
    strb    w5, [x3]
5:  ret

/* Half a word apart, as files in a cpio archive are from pages: words are put together from halves. */
6:  tst     x4, #3
    b.ne    4b
7:  tst     x3, #7
    b.eq    8f
    cbz     x2, 5b
    ldrb    w5, [x1], #1
    strb    w5, [x3], #1
    sub     x2, x2, #1
    b       7b
8:  subs    x2, x2, #32
    b.lo    9f
80: ldp     w5, w6, [x1]
    ldp     w7, w8, [x1, #8]
    ldp     w9, w10, [x1, #16]
    ldp     w11, w12, [x1, #24]
    orr     x5, x5, x6, lsl #32
    orr     x7, x7, x8, lsl #32
    orr     x9, x9, x10, lsl #32
    orr     x11, x11, x12, lsl #32
    stp     x5, x7, [x3]
    stp     x9, x11, [x3, #16]
    add     x1, x1, #32
    add     x3, x3, #32
    subs    x2, x2, #32
    b.hs    80b
9:  add     x2, x2, #32
    b       4b

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
