/* SPDX-License-Identifier: BSD-2-Clause */
/* void mmio_run(uint32_t word): x0..x29 from mmio_registers, x30: SCTLR_EL1 as it is to be for the one instruction
 * @word; and back into mmio_registers. */
#include "common/registers.S"

    .section .text.mmio_run, "ax"
    .globl mmio_run
mmio_run:
    push_callee_saved
    adr     x1, slot
    str     w0, [x1]
    dc      cvau, x1
    dsb     ish
    ic      ivau, x1
    dsb     ish
    isb
    adrp    x0, mmio_registers
    add     x0, x0, :lo12:mmio_registers
    ldr     x1, [x0, #8]
    load_from_x2
    ldr     x0, [x0]
    msr     sctlr_el1, x30
    isb
    .globl mmio_slot
mmio_slot:
slot:
    nop
    msr     tpidr_el1, x0
    mrs     x0, sctlr_el1
    bic     x0, x0, #(1 << 25)          /* EE */
    msr     sctlr_el1, x0
    isb
    adrp    x0, mmio_registers
    add     x0, x0, :lo12:mmio_registers
    str     x1, [x0, #8]
    mrs     x1, tpidr_el1
    str     x1, [x0]
    store_from_x2
    pop_callee_saved
    ret
