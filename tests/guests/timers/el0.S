/* SPDX-License-Identifier: BSD-2-Clause */
    .text

/* uint64_t timers_el0(uint64_t code). The code changes x9 only. */
    .globl timers_el0
timers_el0:
    mrs     x10, vbar_el1
    mrs     x11, daif
    adr     x12, vectors
    msr     vbar_el1, x12
    msr     elr_el1, x0
    mov     x12, #0x3c0                 /* EL0t, D, A, I, F masked */
    msr     spsr_el1, x12
    mov     x9, #0
    isb
    eret
back:
    mrs     x0, esr_el1
    msr     vbar_el1, x10
    msr     daif, x11
    isb
    ret

    .balign 2048
vectors:
    .rept   8
    .balign 128
    b       .
    .endr
    .balign 128
    b       back                        /* synchronous, from EL0 in AArch64 */
    .rept   7
    .balign 128
    b       .
    .endr

    .macro code op1, crn, crm, op2
    mrs     x9, s3_\op1\()_c\crn\()_c\crm\()_\op2
    svc     #0
    .endm
    .macro code_write op1, crn, crm, op2
    msr     s3_\op1\()_c\crn\()_c\crm\()_\op2, x9
    svc     #0
    .endm

/* op0 3, op1 3, CRn 14, Rt 9; the table of struct timers_access beside the code. */
    .macro access crm, op2, enables, write
    .pushsection .rodata.timers, "a"
    .balign 8
    .quad   1f
    .quad   (3 << 20) | (\op2 << 17) | (3 << 14) | (14 << 10) | (9 << 5) | (\crm << 1) | (1 - \write)
    .quad   \enables
    .popsection
1:  .if \write
    code_write 3, 14, \crm, \op2
    .else
    code    3, 14, \crm, \op2
    .endif
    .endm

    .pushsection .rodata.timers, "a"
    .balign 8
    .globl timers_accesses
timers_accesses:
    .popsection
    access  0, 0, 3, 0                  /* CNTFRQ: EL0PCTEN or EL0VCTEN */
    access  0, 1, 1, 0                  /* CNTPCT: EL0PCTEN */
    access  0, 2, 2, 0                  /* CNTVCT: EL0VCTEN */
    access  2, 0, 0x200, 0              /* CNTP_TVAL, CTL, CVAL: EL0PTEN */
    access  2, 1, 0x200, 0
    access  2, 2, 0x200, 0
    access  2, 0, 0x200, 1
    access  2, 1, 0x200, 1
    access  2, 2, 0x200, 1
    access  3, 0, 0x100, 0              /* CNTV_TVAL, CTL, CVAL: EL0VTEN */
    access  3, 1, 0x100, 0
    access  3, 2, 0x100, 0
    access  3, 0, 0x100, 1
    access  3, 1, 0x100, 1
    access  3, 2, 0x100, 1
    .pushsection .rodata.timers, "a"
    .globl timers_access_count
timers_access_count:
    .quad   (timers_access_count - timers_accesses) / 24
    .popsection
