/* SPDX-License-Identifier: BSD-2-Clause */
/* The EL2 vectors and the way into and out of a guest.
 *
 * While a guest runs, SP_EL2 points at its struct ash_vcpu_context, so that the vector stores without first
 * needing a register. What C may clobber (x0..x18, x30; AAPCS64 6.1.1) is saved there; x19..x29 stay where they
 * are and C keeps them. ELR and SPSR stay in their registers on the short paths: EL2 takes no exception of its own
 * while it handles one. EL1's system registers, timers, vGIC and FP registers are not touched. */
#include "arch/aarch64/asm.h"

#define X(n) (ASH_VCPU_CTX_X0 + 8 * (n))

    .section .text.vectors, "ax"

    .macro each_volatile pair, one      /* sp: the context */
    \pair   x0, x1, [sp, #X(0)]
    \pair   x2, x3, [sp, #X(2)]
    \pair   x4, x5, [sp, #X(4)]
    \pair   x6, x7, [sp, #X(6)]
    \pair   x8, x9, [sp, #X(8)]
    \pair   x10, x11, [sp, #X(10)]
    \pair   x12, x13, [sp, #X(12)]
    \pair   x14, x15, [sp, #X(14)]
    \pair   x16, x17, [sp, #X(16)]
    \one    x18, [sp, #X(18)]
    \one    x30, [sp, #X(30)]
    .endm
    .macro save_volatile
    each_volatile stp, str
    .endm
    .macro restore_volatile
    each_volatile ldp, ldr
    .endm

    .macro each_callee_saved pair, one, ctx
    \pair   x19, x20, [\ctx, #X(19)]
    \pair   x21, x22, [\ctx, #X(21)]
    \pair   x23, x24, [\ctx, #X(23)]
    \pair   x25, x26, [\ctx, #X(25)]
    \pair   x27, x28, [\ctx, #X(27)]
    \one    x29, [\ctx, #X(29)]
    .endm
    .macro restore_callee_saved ctx
    each_callee_saved ldp, ldr, \ctx
    .endm
    .macro store_callee_saved ctx
    each_callee_saved stp, str, \ctx
    .endm

    /* ERET, and a barrier against running on speculatively behind it (Arm, "Straight-line speculation"). */
    .macro leave_el2
    eret
    dsb     nsh
    isb
    .endm

    /* From the guest's context to hv's stack; x0: struct hv_cpu, the first argument of every handler. */
    .macro to_hv_stack
    mrs     x0, tpidr_el2
    ldr     x1, [x0, #HV_CPU_STACK_TOP]
    mov     sp, x1
    .endm

    .macro to_hv_stack_esr              /* the same, with x1 kept: ESR_EL2, the second argument */
    mrs     x0, tpidr_el2
    ldr     x2, [x0, #HV_CPU_STACK_TOP]
    mov     sp, x2
    .endm

    .macro to_guest_context scratch
    mrs     \scratch, tpidr_el2
    ldr     \scratch, [\scratch, #HV_CPU_VCPU]
    mov     sp, \scratch
    .endm

    /* Everything of the guest's into its context; x0: struct hv_cpu, x1: ESR_EL2. The backtrace ends here. */
    .macro full_exit
    mov     x2, sp
    store_callee_saved x2
    mrs     x3, elr_el2
    mrs     x4, spsr_el2
    stp     x3, x4, [x2, #ASH_VCPU_CTX_PC]
    to_hv_stack
    mrs     x1, esr_el2
    mov     x29, xzr
    .endm

    /* A fault in hv itself: everything onto the emergency stack, because SP may be what faulted. TPIDRRO_EL0 and
     * TPIDR_EL1 are a guest's, but no guest runs here any more. */
    .macro el2_fault kind
    .balign 128
    msr     tpidr_el1, x0
    msr     tpidrro_el0, x1
    mov     x0, #\kind
    b       el2_fault_common
    .endm

    /* sp: the context of the vCPU, with its counters behind. No other CPU writes them. */
    .macro count_exit reason, scratch
    ldr     \scratch, [sp, #(HV_VCPU_EXITS + 8 * \reason)]
    add     \scratch, \scratch, #1
    str     \scratch, [sp, #(HV_VCPU_EXITS + 8 * \reason)]
    .endm

    .macro guest_vector target
    .balign 128
    save_volatile
    b       \target
    .endm

    /* x1: ESR_EL2, with the instruction's register at @shift. One of x19..x29 goes through the context, and with it
     * all of them; mostly it is none. */
    .macro fast_path handler, shift, reason
    count_exit \reason, x3
    ubfx    x3, x1, #\shift, #5
    sub     x4, x3, #19
    cmp     x4, #(29 - 19)
    b.ls    1f
    to_hv_stack_esr
    bl      \handler
    cbnz    w0, fast_not_done
    to_guest_context x1
    restore_volatile
    leave_el2
1:  mov     x2, sp
    store_callee_saved x2
    to_hv_stack_esr
    bl      \handler
    to_guest_context x1
    restore_callee_saved x1
    cbnz    w0, fast_not_done
    restore_volatile
    leave_el2
    .endm

    .balign 2048
    .globl hv_vectors
hv_vectors:
    /* Current EL with SP_EL0: hv never uses it. */
    el2_fault 0
    el2_fault 1
    el2_fault 2
    el2_fault 3
    /* Current EL with SP_ELx. */
    el2_fault 4
    el2_fault 5
    el2_fault 6
    .balign 128
    b       el2_serror
    /* A guest in AArch64. */
    guest_vector guest_sync
    guest_vector guest_irq
    guest_vector guest_irq              /* FIQ: FMO=1, and Group 0 is not ours: the acknowledge reads 1023 */
    guest_vector guest_serror
    /* A guest whose EL1 is AArch32: HCR_EL2.RW is 1 for every VM, so none. */
    guest_vector guest_unexpected
    guest_vector guest_unexpected
    guest_vector guest_unexpected
    guest_vector guest_unexpected

/* SError while hv runs: one that a leaving guest left behind, let in on purpose (world.c), or a fault of hv's. */
el2_serror:
    stp     x0, x1, [sp, #-16]!
    mrs     x0, tpidr_el2
    cbz     x0, 1f
    ldr     x1, [x0, #HV_CPU_SERROR_AWAITED]
    cbz     x1, 1f
    mrs     x1, esr_el2
    str     x1, [x0, #HV_CPU_SERROR_SEEN]
    ldp     x0, x1, [sp], #16
    leave_el2
1:  ldp     x0, x1, [sp], #16
    msr     tpidr_el1, x0
    msr     tpidrro_el0, x1
    mov     x0, #7
    b       el2_fault_common

guest_sync:
    mrs     x1, esr_el2
    lsr     x2, x1, #ESR_EC_SHIFT
    cmp     x2, #ESR_EC_DATA_ABORT
    b.eq    guest_abort
    cmp     x2, #ESR_EC_SYSREG
    b.eq    guest_sysreg
    cmp     x2, #ESR_EC_HVC64
    b.ne    guest_smc
    /* HVC returns behind itself and changes x0..x3 only: the short path. */
    count_exit HV_EXIT_COUNT_HVC, x3
    to_hv_stack_esr
    bl      hv_exit_hvc
    b       guest_return

guest_abort:
    fast_path hv_exit_fast_abort, ESR_SRT_SHIFT, HV_EXIT_COUNT_ABORT
guest_sysreg:
    fast_path hv_exit_fast_sysreg, ESR_RT_SHIFT, HV_EXIT_COUNT_SYSREG

guest_smc:
    cmp     x2, #ESR_EC_SMC64
    b.ne    guest_sync_full
    count_exit HV_EXIT_COUNT_SMC, x3
    to_hv_stack_esr
    bl      hv_exit_fast_smc
    cbnz    w0, fast_not_done
    b       guest_return

/* w0: what a short way returned but HV_RESUME; x19..x29 are the guest's. */
fast_not_done:
    cmp     w0, #HV_EXIT_SLOW
    b.ne    vcpu_leave
    to_guest_context x1
    b       guest_sync_full

guest_irq:
    count_exit HV_EXIT_COUNT_IRQ, x1
    to_hv_stack
    bl      hv_exit_irq
guest_return:                           /* w0: enum hv_verdict */
    cbnz    w0, vcpu_leave
    to_guest_context x1
    restore_volatile
    leave_el2

/* An exit whose handler may read or write any register: MMIO, system registers, injection. */
guest_sync_full:
    full_exit
    bl      hv_exit_sync
full_return:
    to_guest_context x1
    restore_callee_saved x1
    cbnz    w0, vcpu_leave_saved
    ldp     x2, x3, [x1, #ASH_VCPU_CTX_PC]
    msr     elr_el2, x2
    msr     spsr_el2, x3
    restore_volatile
    leave_el2

guest_serror:
    full_exit
    bl      hv_exit_serror
    b       full_return

guest_unexpected:
    full_exit
    bl      hv_exit_unexpected
    b       full_return

/* The vCPU leaves this CPU. x19..x29 hold the guest's values again (C kept them). */
vcpu_leave:
    mrs     x0, tpidr_el2
    ldr     x1, [x0, #HV_CPU_VCPU]
    store_callee_saved x1
    mrs     x3, elr_el2
    mrs     x4, spsr_el2
    stp     x3, x4, [x1, #ASH_VCPU_CTX_PC]
vcpu_leave_saved:
    mrs     x0, tpidr_el2
    ldr     x1, [x0, #HV_CPU_STACK_TOP]
    mov     sp, x1
    mov     x29, xzr
    mov     x30, xzr
    bl      hv_vcpu_left                /* does not return */
0:  wfe
    b       0b

/* x0: struct hv_cpu, whose vcpu is loaded. Into the guest; the way back is through the vectors. */
    .globl hv_arch_enter
hv_arch_enter:
    ldr     x1, [x0, #HV_CPU_VCPU]
    mov     sp, x1
    ldp     x2, x3, [x1, #ASH_VCPU_CTX_PC]
    msr     elr_el2, x2
    msr     spsr_el2, x3
    restore_callee_saved x1
    restore_volatile
    leave_el2

/* x0: function, x1: its argument, x2: top of the new stack. */
    .globl hv_call_on_stack
hv_call_on_stack:
    mov     sp, x2
    mov     x3, x0
    mov     x0, x1
    mov     x29, xzr
    mov     x30, xzr
    blr     x3
0:  wfe
    b       0b

/* x0: which vector; x0, x1 parked in TPIDR_EL1, TPIDRRO_EL0. */
el2_fault_common:
    mrs     x1, tpidr_el2
    cbz     x1, 1f                      /* before this CPU has its own: the boot stack will do */
    ldr     x1, [x1, #HV_CPU_EMERGENCY_TOP]
    b       2f
1:  adrp    x1, hv_boot_emergency_top
    add     x1, x1, :lo12:hv_boot_emergency_top
2:  sub     x1, x1, #HV_FAULT_SIZE
    stp     x2, x3, [x1, #(HV_FAULT_X0 + 16)]
    stp     x4, x5, [x1, #(HV_FAULT_X0 + 32)]
    stp     x6, x7, [x1, #(HV_FAULT_X0 + 48)]
    stp     x8, x9, [x1, #(HV_FAULT_X0 + 64)]
    stp     x10, x11, [x1, #(HV_FAULT_X0 + 80)]
    stp     x12, x13, [x1, #(HV_FAULT_X0 + 96)]
    stp     x14, x15, [x1, #(HV_FAULT_X0 + 112)]
    stp     x16, x17, [x1, #(HV_FAULT_X0 + 128)]
    stp     x18, x19, [x1, #(HV_FAULT_X0 + 144)]
    stp     x20, x21, [x1, #(HV_FAULT_X0 + 160)]
    stp     x22, x23, [x1, #(HV_FAULT_X0 + 176)]
    stp     x24, x25, [x1, #(HV_FAULT_X0 + 192)]
    stp     x26, x27, [x1, #(HV_FAULT_X0 + 208)]
    stp     x28, x29, [x1, #(HV_FAULT_X0 + 224)]
    str     x30, [x1, #(HV_FAULT_X0 + 240)]
    mrs     x2, tpidr_el1
    mrs     x3, tpidrro_el0
    stp     x2, x3, [x1, #HV_FAULT_X0]
    mov     x2, sp
    mrs     x3, elr_el2
    stp     x2, x3, [x1, #HV_FAULT_SP]
    mrs     x2, spsr_el2
    mrs     x3, esr_el2
    stp     x2, x3, [x1, #HV_FAULT_SPSR]
    mrs     x2, far_el2
    stp     x2, x0, [x1, #HV_FAULT_FAR]
    mov     sp, x1
    mrs     x0, tpidr_el2
    cbz     x0, 3f
    /* A fault while reporting one: one line, then this CPU stops. */
    ldr     x2, [x0, #HV_CPU_FAULTS]
    add     x3, x2, #1
    str     x3, [x0, #HV_CPU_FAULTS]
    cbnz    x2, 4f
3:  bl      hv_el2_fault                /* (cpu, fault); does not return */
4:  bl      hv_el2_nested_fault
0:  wfe
    b       0b

    .section .bss.noinit.boot_emergency, "aw", %nobits
    .balign 16
    .skip   4096
hv_boot_emergency_top:
