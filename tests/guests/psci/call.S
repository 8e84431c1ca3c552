/* SPDX-License-Identifier: BSD-2-Clause */
    .text

/* void psci_registers_hvc(uint64_t x[31]), …_smc: x0..x30 from there, the call, all of them back. */
    .macro registers name, conduit
    .globl \name
\name:
    stp     x29, x30, [sp, #-112]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    str     x0, [sp, #96]
    .irp    n, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
    load    \n
    .endr
    ldr     x30, [x0, #240]
    ldp     x0, x1, [x0]
    \conduit #0
    stp     x0, x1, [sp, #-16]!
    ldr     x0, [sp, #112]
    .irp    n, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28
    store   \n
    .endr
    str     x30, [x0, #240]
    ldp     x2, x3, [sp], #16
    stp     x2, x3, [x0]
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #112
    ret
    .endm

    .altmacro
    .macro load first
    load_pair \first, %(\first + 1)
    .endm
    .macro load_pair first, second
    ldp     x\first, x\second, [x0, #(8 * \first)]
    .endm
    .macro store first
    store_pair \first, %(\first + 1)
    .endm
    .macro store_pair first, second
    stp     x\first, x\second, [x0, #(8 * \first)]
    .endm

    registers psci_registers_hvc, hvc
    registers psci_registers_smc, smc

/* Where CPU_ON sends a vCPU: what it finds goes to psci_entries[its number], then as any other. */
    .globl psci_entry
psci_entry:
    mrs     x1, mpidr_el1
    and     x1, x1, #0xff
    adrp    x2, psci_entries
    add     x2, x2, :lo12:psci_entries
    add     x2, x2, x1, lsl #6
    mrs     x3, currentel
    mrs     x4, daif
    mrs     x5, spsel
    mrs     x6, sctlr_el1
    stp     x0, x3, [x2]
    stp     x4, x5, [x2, #16]
    str     x6, [x2, #32]
    mov     x0, x1
    b       guest_secondary_start
