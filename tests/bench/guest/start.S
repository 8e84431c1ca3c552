/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark's entry, vectors and measured sequences. EL1h, MMU and caches off.
 *
 * A figure is the difference of two reads of CNTVCT_EL0 less one, the cost of the second read: what stands between
 * them. Each sequence lies between the labels bench_<event>_from and bench_<event>_to, at the two reads, by which
 * tests/bench/trace.py finds it. Interrupts are open only in the sequences that wait for one: x20 and x21 are the
 * handler's there. */
#define GICC_IAR 0x0c

    .section .text.start, "ax"
    .macro vector target
    .balign 128
    mrs     x20, cntvct_el0
    b       \target
    .endm

/* The vectors lie at the base of the image. The first one is never taken (SP_EL0 is not used): it is the entry, whose
 * first instruction takes the time of the boot. */
    .globl _start
_start:
vectors:
    mrs     x28, cntvct_el0
    b       entry
    .rept 3
    vector guest_off
    .endr
    vector fault
    vector irq
    vector guest_off
    vector guest_off

    .balign 128
entry:
    mov     x27, x0
    adrp    x1, __bss_start
    add     x1, x1, :lo12:__bss_start
    adrp    x2, __bss_end
    add     x2, x2, :lo12:__bss_end
1:  cmp     x1, x2
    b.hs    2f
    stp     xzr, xzr, [x1], #16
    b       1b
2:  mov     x19, #0
    bl      set_up
    mov     x0, x28
    mov     x1, x27
    bl      bench_main
    b       guest_off

/* Where PSCI CPU_ON sends vCPU 1. Its first instruction takes the time. */
    .globl bench_secondary
bench_secondary:
    mrs     x28, cntvct_el0
    mov     x19, #1
    bl      set_up
    mov     x0, x28
    bl      bench_secondary_main
0:  wfi
    b       0b

/* x19: which vCPU. Its stack, its vectors, and in TPIDR_EL1 its struct bench_cpu. */
set_up:
    adrp    x1, __stacks_end
    add     x1, x1, :lo12:__stacks_end
    sub     x1, x1, x19, lsl #13
    mov     sp, x1
    adrp    x1, bench_cpus
    add     x1, x1, :lo12:bench_cpus
    add     x1, x1, x19, lsl #6
    msr     tpidr_el1, x1
    adr     x1, vectors
    msr     vbar_el1, x1
    isb
    ret

/* The time first, then acknowledge, note and end the interrupt. struct bench_cpu: time, count, intid, GICC or 0. */
irq:
    mrs     x21, tpidr_el1
    str     x20, [x21]
    ldr     x20, [x21, #24]
    cbnz    x20, 1f
    mrs     x20, S3_0_C12_C12_0         /* ICC_IAR1_EL1 */
    str     x20, [x21, #16]
    cmp     x20, #27
    b.ne    2f
    msr     cntv_ctl_el0, xzr
2:  msr     S3_0_C12_C12_1, x20         /* ICC_EOIR1_EL1 */
    b       3f
1:  ldr     w20, [x20, #GICC_IAR]
    str     x20, [x21, #16]
    cmp     x20, #27
    b.ne    4f
    msr     cntv_ctl_el0, xzr
4:  ldr     x21, [x21, #24]
    str     w20, [x21, #0x10]           /* GICC_EOIR */
    mrs     x21, tpidr_el1
3:  ldr     x20, [x21, #8]
    add     x20, x20, #1
    str     x20, [x21, #8]
    isb
    eret

/* Something that is not there: count it and go on behind it. */
fault:
    mrs     x21, tpidr_el1
    ldr     x20, [x21, #32]
    add     x20, x20, #1
    str     x20, [x21, #32]
    mrs     x20, esr_el1
    lsr     x20, x20, #26
    cmp     x20, #0x15                  /* SVC64: cannot be */
    b.eq    guest_off
    mrs     x20, elr_el1
    add     x20, x20, #4
    msr     elr_el1, x20
    eret

/* ---- Measured sequences: uint64_t bench_<event>(uint64_t a, uint64_t b) ------------------------------------------ */

    .macro begin event
    .globl bench_\event
    .globl bench_\event\()_from
    .globl bench_\event\()_to
    .balign 16
bench_\event:
    stp     x19, x20, [sp, #-48]!
    stp     x21, x22, [sp, #16]
    stp     x23, x30, [sp, #32]
    .endm

    .macro end
    sub     x0, x20, x19
    sub     x0, x0, #1
    ldp     x23, x30, [sp, #32]
    ldp     x21, x22, [sp, #16]
    ldp     x19, x20, [sp], #48
    ret
    .endm

    .macro sequence event, instruction:vararg
    begin   \event
bench_\event\()_from:
    mrs     x19, cntvct_el0
    \instruction
bench_\event\()_to:
    mrs     x20, cntvct_el0
    end
    .endm

    sequence nothing
    sequence hvc_version, hvc #0
    sequence smc_version, smc #0
    sequence hvc_affinity, hvc #0
    sequence hvc_unknown, hvc #0
    sequence id_register, mrs x2, id_aa64mmfr0_el1
    sequence gicd_typer, ldr w2, [x0]
    sequence gicd_isenabler_read, ldr w2, [x0]
    sequence gicd_isenabler_write, str w1, [x0]
    sequence gicd_ipriorityr_write, strb w1, [x0]
    sequence gicr_typer, ldr x2, [x0]
    sequence pl011_fr, ldr w2, [x0]
    sequence pl011_dr, str w1, [x0]

/* a: value of ICC_SGI1R_EL1, or of GICD_SGIR if b, its address, is not 0. The handler takes the time. */
    .macro send_sgi
    cbnz    x1, 1f
    msr     S3_0_C12_C11_5, x0          /* ICC_SGI1R_EL1 */
    b       2f
1:  str     w0, [x1]
2:  isb
    .endm

    begin   sgi_self
    mrs     x22, tpidr_el1
    ldr     x23, [x22, #8]
    cbnz    x1, 1f
    msr     daifclr, #2
bench_sgi_self_from:
    mrs     x19, cntvct_el0
    msr     S3_0_C12_C11_5, x0
    isb
    b       2f
1:  msr     daifclr, #2
    mrs     x19, cntvct_el0
    str     w0, [x1]
    isb
2:  ldr     x2, [x22, #8]
    cmp     x2, x23
    b.eq    2b
bench_sgi_self_to:
    msr     daifset, #2
    ldr     x20, [x22]
    end

/* To vCPU 1, whose bench_cpu is x2. This one waits; YIELD, or under -icount the other would never run. */
    .macro sgi_other event
    begin   \event
    mov     x22, x2
    ldr     x23, [x22, #8]
bench_\event\()_from:
    mrs     x19, cntvct_el0
    send_sgi
1:  yield
    ldr     x2, [x22, #8]
    cmp     x2, x23
    b.eq    1b
bench_\event\()_to:
    ldr     x20, [x22]
    end
    .endm
    sgi_other sgi_running
    sgi_other sgi_wfi

/* a: ticks from now to the deadline. The figure is handler's time less deadline. */
    .macro timer_event event, wait
    begin   \event
    mrs     x22, tpidr_el1
    ldr     x23, [x22, #8]
    mrs     x19, cntvct_el0
    add     x19, x19, x0
    msr     cntv_cval_el0, x19
    mov     x2, #1
    msr     cntv_ctl_el0, x2
    isb
bench_\event\()_from:
    \wait
1:  msr     daifclr, #2
    isb
2:  ldr     x2, [x22, #8]
    cmp     x2, x23
    b.eq    2b
bench_\event\()_to:
    msr     daifset, #2
    ldr     x20, [x22]
    end
    .endm
    timer_event vtimer_spinning, nop
    timer_event vtimer_wfi, wfi

/* An SGI that is pending: acknowledge and end it with no interrupt taken. a: GICC, or 0. */
    begin   ack_eoi
    cbnz    x0, 1f
bench_ack_eoi_from:
    mrs     x19, cntvct_el0
    mrs     x2, S3_0_C12_C12_0
    msr     S3_0_C12_C12_1, x2
bench_ack_eoi_to:
    mrs     x20, cntvct_el0
    b       2f
1:  mrs     x19, cntvct_el0
    ldr     w2, [x0, #GICC_IAR]
    str     w2, [x0, #0x10]
    mrs     x20, cntvct_el0
2:  end

/* a: function, b: MPIDR, c: entry; d: where the other writes the time of its first instruction, now 0. */
    begin   cpu_on
    mov     x22, x3
    mov     x3, #0
bench_cpu_on_from:
    mrs     x19, cntvct_el0
    hvc     #0
1:  yield
    ldr     x20, [x22]
    cbz     x20, 1b
bench_cpu_on_to:
    end

/* vCPU 1 waits here for SGIs for good: spinning, or asleep. */
    .globl bench_wait_spinning
bench_wait_spinning:
    mrs     x22, tpidr_el1
    ldr     x23, [x22, #8]
    msr     daifclr, #2
1:  yield
    ldr     x2, [x22, #8]
    sub     x2, x2, x23
    cmp     x2, x0
    b.lo    1b
    msr     daifset, #2
    ret

    .globl bench_wait_asleep
bench_wait_asleep:
    mrs     x22, tpidr_el1
    ldr     x23, [x22, #8]
1:  msr     daifclr, #2
    isb
    msr     daifset, #2
    ldr     x2, [x22, #8]
    sub     x2, x2, x23
    cmp     x2, x0
    b.hs    2f
    wfi
    b       1b
2:  ret
