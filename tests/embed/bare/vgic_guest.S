/* SPDX-License-Identifier: BSD-2-Clause */
/* At EL1, MMU off: opens its CPU interface and takes what comes, telling by HVC. ICC_* by their generic names. */
    .section .guest, "ax"
    .global guest_entry
guest_entry:
    adr     x9, guest_vectors
    msr     vbar_el1, x9
    mov     x9, #1
    msr     S3_0_C12_C12_5, x9      /* ICC_SRE_EL1.SRE */
    isb
    mov     x9, #0xff
    msr     S3_0_C4_C6_0, x9        /* ICC_PMR_EL1: everything may interrupt */
    mov     x9, #1
    msr     S3_0_C12_C12_7, x9      /* ICC_IGRPEN1_EL1 */
    isb
    hvc     #1
    msr     daifclr, #2
    isb
    hvc     #4                      /* nothing more comes */

    .balign 2048
guest_vectors:
    .balign 128
    .rept 5
    hvc     #5
    .balign 128
    .endr
    mrs     x0, S3_0_C12_C12_0      /* IRQ at EL1h: ICC_IAR1_EL1 */
    hvc     #2
    msr     S3_0_C12_C12_1, x0      /* ICC_EOIR1_EL1 */
    isb
    hvc     #3
    eret
    .balign 128
