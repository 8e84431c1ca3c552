/* SPDX-License-Identifier: BSD-2-Clause */
/* The image header and the first instructions of each CPU: MMU off, caches off, nothing assumed. */
#include "arch/aarch64/asm.h"
#include "drivers/drivers.h"
#include "memmap.h"
#include "early.S"

    .section .head.text, "ax"

/* arm64 Image header: Linux Documentation/arm64/booting, "the decompressed kernel image contains a 64-byte
 * header". hv takes the same hand-over as a kernel, so every loader that starts Linux starts hv. */
    .globl _start
_start:
    b       primary_entry
    .long   0
    .quad   0                           /* text_offset from a 2 MiB aligned base */
    .quad   __image_end - _start        /* image_size: bss, stacks and early tables included */
    .quad   0xa                         /* little endian, 4 KiB pages, anywhere in memory */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

/* x0: physical address of the board's device tree. */
primary_entry:
    msr     daifset, #0xf
    mov     x20, x0
    mrs     x1, CurrentEL
    cmp     x1, #(2 << 2)
#ifdef BSP_HAS_EL3_ENTRY
    b.ls    1f
    bl      bsp_el3_entry               /* the boot CPU comes back, at EL2 */
    cmp     xzr, xzr
1:
#endif
    b.ne    wrong_exception_level
    bl      el2_reset_registers

    /* Relocate, unless the pointers hold already: that is where the board's loader usually puts the image. Only
     * R_AARCH64_RELATIVE is left by a static PIE (ELF for the Arm 64-bit Architecture, 5.7.14 "Dynamic
     * relocations"). */
    adr     x3, _start
    adrp    x1, pointer_to_start
    ldr     x1, [x1, :lo12:pointer_to_start]
    cmp     x1, x3
    b.eq    4f
    ldr     x1, =HV_LINK_ADDRESS
    sub     x3, x3, x1                  /* the bias */
    adrp    x1, __rela_start
    add     x1, x1, :lo12:__rela_start
    adrp    x2, __rela_end
    add     x2, x2, :lo12:__rela_end
    b       3f
2:  ldp     x4, x5, [x1], #24           /* r_offset, r_info */
    ldur    x6, [x1, #-8]               /* r_addend */
    cmp     w5, #R_AARCH64_RELATIVE
    b.ne    3f
    add     x6, x6, x3
    str     x6, [x3, x4]
3:  cmp     x1, x2
    b.lo    2b
    adrp    x0, __data_start
    adrp    x1, __data_end
    bl      invalidate_to_poc           /* for the reason below */
4:  adrp    x1, hv_boot_stack_top
    add     x1, x1, :lo12:hv_boot_stack_top
    mov     sp, x1
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x20
    bl      hv_early_map                /* x0: hv_boot_registers, see mmu.h */
    mov     x19, x0

    /* What was written so far went past the caches. Clean lines that were there before must not be hit once the
     * caches are on (DDI 0487 D7.5 "mismatched memory attributes": invalidate to PoC). The loader cleaned [start,
     * start + image_size) to there; of the stack nothing is read that was written before. */
    adrp    x0, __early_start           /* all else in the image: nobody has written it since, but to relocate */
    add     x0, x0, :lo12:__early_start
    adrp    x1, __early_end
    add     x1, x1, :lo12:__early_end
    bl      invalidate_to_poc
    ldp     x0, x1, [x19, #40]          /* the translation tables in use */
    bl      invalidate_to_poc
    mov     x0, x19
    bl      enable_mmu

    /* bss, whole lines at a time now that there are caches: hv_early_map has used none of it. */
    adrp    x0, __bss_start
    adrp    x1, __bss_end
    sub     x1, x1, x0
    bl      hv_arch_zero_pages
    mov     x0, x20
    bl      hv_arch_boot
0:  wfe
    b       0b

/* PSCI CPU_ON and spin tables bring the other CPUs here. x0: their struct hv_cpu. */
    .globl hv_secondary_entry
hv_secondary_entry:
    msr     daifset, #0xf
    mov     x20, x0
    bl      el2_reset_registers
    adrp    x0, hv_boot_registers
    add     x0, x0, :lo12:hv_boot_registers
    bl      enable_mmu
    ldr     x1, [x20, #HV_CPU_STACK_TOP]
    mov     sp, x1
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x20
    bl      hv_arch_secondary
0:  wfe
    b       0b

#if HV_DRIVER_SPIN_TABLE
/* A spin table brings them here, with nothing in x0: each finds its struct hv_cpu by its affinity. */
    .globl hv_spin_entry
hv_spin_entry:
    msr     daifset, #0xf
    mrs     x1, mpidr_el1
    ldr     x2, =0xff00ffffff           /* Aff3, Aff2 to Aff0 */
    and     x1, x1, x2
    adrp    x2, hv_spin_cpus
    add     x2, x2, :lo12:hv_spin_cpus
    mov     x3, #HV_SPIN_CPUS
1:  ldr     x0, [x2], #8
    cbz     x0, 2f
    ldr     x4, [x0, #HV_CPU_MPIDR]
    cmp     x4, x1
    b.eq    hv_secondary_entry
2:  subs    x3, x3, #1
    b.ne    1b
3:  wfe                                 /* nobody has asked for this one */
    b       3b

    .pushsection .data.hv_parking, "aw"
    .balign 64                          /* lines of its own: written with caches on, read with caches off */
    .globl hv_parking
hv_parking:
    .skip   8 * HV_SPIN_CPUS
    .popsection
#endif

/* HCR_EL2.E2H and TGE off before anything else: the meaning of other EL2 registers hangs on them. SCTLR_EL2:
 * MMU, caches off, RES1 bits set (DDI 0487 D17.2). */
el2_reset_registers:
    mov     x1, #HCR_EL2_RW
    msr     hcr_el2, x1
    isb
    msr     tpidr_el2, xzr              /* no struct hv_cpu yet: a fault goes to the boot's emergency stack */
    ldr     x1, =SCTLR_EL2_RES1
    msr     sctlr_el2, x1
    isb
    ret

/* Zero the page at x0. For the MMU off: memset() is not. */
    .globl hv_early_zero_page
hv_early_zero_page:
    add     x1, x0, #4096
1:  .irp    at, 0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240
    stp     xzr, xzr, [x0, #\at]
    .endr
    add     x0, x0, #256
    cmp     x0, x1
    b.lo    1b
    ret

/* Invalidate [x0, x1) to PoC. */
invalidate_to_poc:
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4             /* DminLine: log2 of words */
    mov     x3, #4
    lsl     x2, x3, x2
    sub     x3, x2, #1
    bic     x0, x0, x3
    sub     x3, x1, x2, lsl #2          /* four lines at a time while that many are left, */
    b       2f
1:  dc      ivac, x0
    add     x0, x0, x2
    dc      ivac, x0
    add     x0, x0, x2
    dc      ivac, x0
    add     x0, x0, x2
    dc      ivac, x0
    add     x0, x0, x2
2:  cmp     x0, x3
    b.ls    1b
3:  cmp     x0, x1                      /* then one: never a line of what lies behind */
    b.hs    4f
    dc      ivac, x0
    add     x0, x0, x2
    b       3b
4:  dsb     sy                          /* complete before the MMU goes on: DDI 0487 D7.5.9 */
    ret

/* x0: struct hv_boot_registers. */
enable_mmu:
    ldp     x1, x2, [x0, #0]            /* ttbr0, tcr */
    ldp     x3, x4, [x0, #16]           /* mair, sctlr */
    ldr     x5, [x0, #32]               /* vbar */
    msr     ttbr0_el2, x1
    msr     tcr_el2, x2
    msr     mair_el2, x3
    msr     vbar_el2, x5
    isb                                 /* the registers are seen before the TLBI */
    tlbi    alle2                       /* nothing of the firmware's stays, */
    tlbi    alle1                       /* of stage 2 neither: out of reset a TLB's contents are UNKNOWN */
    ic      iallu
    dsb     nsh
    isb
    msr     sctlr_el2, x4
    isb                                 /* the next fetch is translated */
    ret

/* Entered at EL1, or at EL3 where that is not provided for: say so on the board's console and stop. */
wrong_exception_level:
    adr     x1, wrong_el_text
1:  ldrb    w3, [x1], #1
    cbz     w3, 2f
    bsp_early_put
    b       1b
2:  wfe
    b       2b
    .ltorg
wrong_el_text:
    .ascii  "ashlar: not started at EL2. "
    .ascii  BSP_WRONG_EL_HINT
    .asciz  "\r\n"
    .balign 4

    .section .data.rel.ro.pointer_to_start, "aw"
    .balign 8
pointer_to_start:
    .quad   _start

    .section .bss.noinit.boot_stack, "aw", %nobits
    .balign 4096
    .skip   16384
hv_boot_stack_top:
