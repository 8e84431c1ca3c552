/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/registers.S"

    .text

/* void psci_registers_hvc(uint64_t x[31]), …_smc: x0..x30 from there, the call, all of them back. */
    .macro registers name, conduit
    .globl \name
\name:
    push_callee_saved
    str     x0, [sp, #-16]!
    load_from_x2
    ldp     x0, x1, [x0]
    \conduit #0
    stp     x0, x1, [sp, #-16]!
    ldr     x0, [sp, #16]
    store_from_x2
    ldp     x2, x3, [sp], #32
    stp     x2, x3, [x0]
    pop_callee_saved
    ret
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
