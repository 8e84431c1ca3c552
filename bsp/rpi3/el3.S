/* SPDX-License-Identifier: BSD-2-Clause */
/* Entered at EL3: no boot code has run before. All four CPUs come here; what they would have been given, they give
 * themselves, and go on at EL2. Cortex-A53 TRM (DDI 0500), Arm ARM (DDI 0487). */
#include "memmap.h"

#define CPUECTLR_EL1 S3_1_C15_C2_1
#define L2CTLR_EL1   S3_1_C11_C0_2

    .text
/* x20: the device tree. Returns at EL2, to x30, with x20. */
    .globl bsp_el3_entry
bsp_el3_entry:
    /* Coherent with the others, before any cache is on (DDI 0500 4.3.67 CPUECTLR_EL1.SMPEN). */
    mrs     x1, CPUECTLR_EL1
    orr     x1, x1, #(1 << 6)
    msr     CPUECTLR_EL1, x1
    isb

    /* The BCM2837's L2 RAMs want a cycle of set-up and one more of latency, before the L2 is used (DDI 0500 4.3.61
     * L2CTLR_EL1 [5], [2:0]; the values are the ones that the board's own firmware sets). */
    mrs     x1, L2CTLR_EL1
    mov     x2, #0x22
    orr     x1, x1, x2
    msr     L2CTLR_EL1, x1
    isb

    /* SCR_EL3: RW, HCE, SMD, NS and the RES1 bits [5:4]. SMD: nobody is left here to answer an SMC (D17.2.117). */
    mov     x1, #0x5b1
    msr     scr_el3, x1
    msr     cptr_el3, xzr               /* nothing traps here: nobody would answer that either */
    msr     mdcr_el3, xzr
    mov     x1, #0x73                   /* ACTLR_EL3: EL2 may write CPUACTLR, CPUECTLR, L2CTLR and their kin */
    msr     actlr_el3, x1
    msr     actlr_el2, xzr              /* EL1 may not */
    isb

    /* The counter: the crystal, as it is (QA7 3.1.1). The rate can be told at this exception level alone. */
    ldr     x1, =BSP_CNTFRQ
    msr     cntfrq_el0, x1
    msr     cntvoff_el2, xzr
    mrs     x1, mpidr_el1
    and     x1, x1, #3
    cbnz    x1, 1f
    ldr     x2, =BSP_LOCAL
    str     wzr, [x2, #BSP_LOCAL_CONTROL]
    mov     w3, #0x80000000
    str     w3, [x2, #BSP_LOCAL_PRESCALER]
1:
    /* EL2 begins with its MMU and caches off, and interrupts masked (spsr: EL2h, DAIF). */
    mov     x2, #0x80000000             /* HCR_EL2.RW */
    msr     hcr_el2, x2
    ldr     x2, =0x30c50830             /* SCTLR_EL2 with its RES1 bits alone */
    msr     sctlr_el2, x2
    mov     x2, #0x3c9
    msr     spsr_el3, x2
    adr     x2, 2f
    msr     elr_el3, x2
    eret
2:  cbnz    x1, 3f
    ret

    /* The other CPUs, where firmware's spin table would have them wait. hv clears nothing here: the words are data of
     * its image, zero when it is loaded. */
3:  adrp    x5, hv_parking
    add     x5, x5, :lo12:hv_parking
4:  wfe
    ldr     x4, [x5, x1, lsl #3]
    cbz     x4, 4b
    br      x4
