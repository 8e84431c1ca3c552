/* SPDX-License-Identifier: BSD-2-Clause */
/* void mmio_run(uint32_t word): x0..x29 from mmio_registers, x30: SCTLR_EL1 as it is to be for the one instruction
 * @word; and back into mmio_registers. */
    .section .text.mmio_run, "ax"
    .globl mmio_run
mmio_run:
    stp     x29, x30, [sp, #-96]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
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
    ldp     x2, x3, [x0, #16]
    ldp     x4, x5, [x0, #32]
    ldp     x6, x7, [x0, #48]
    ldp     x8, x9, [x0, #64]
    ldp     x10, x11, [x0, #80]
    ldp     x12, x13, [x0, #96]
    ldp     x14, x15, [x0, #112]
    ldp     x16, x17, [x0, #128]
    ldp     x18, x19, [x0, #144]
    ldp     x20, x21, [x0, #160]
    ldp     x22, x23, [x0, #176]
    ldp     x24, x25, [x0, #192]
    ldp     x26, x27, [x0, #208]
    ldp     x28, x29, [x0, #224]
    ldr     x30, [x0, #240]
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
    stp     x2, x3, [x0, #16]
    stp     x4, x5, [x0, #32]
    stp     x6, x7, [x0, #48]
    stp     x8, x9, [x0, #64]
    stp     x10, x11, [x0, #80]
    stp     x12, x13, [x0, #96]
    stp     x14, x15, [x0, #112]
    stp     x16, x17, [x0, #128]
    stp     x18, x19, [x0, #144]
    stp     x20, x21, [x0, #160]
    stp     x22, x23, [x0, #176]
    stp     x24, x25, [x0, #192]
    stp     x26, x27, [x0, #208]
    stp     x28, x29, [x0, #224]
    str     x30, [x0, #240]
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #96
    ret
