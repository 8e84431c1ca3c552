/* SPDX-License-Identifier: BSD-2-Clause */
/* Included by boot.S. Send the byte in w3; x4 to x6 are clobbered. A UART that is off takes nothing, and its flags are
 * not waited for for ever. */
    .macro bsp_early_put
    ldr     x4, =BSP_PL011
    mov     w6, #0x100000
91: ldr     w5, [x4, #0x18]             /* UARTFR.TXFF */
    subs    w6, w6, #1
    b.eq    92f
    tbnz    w5, #5, 91b
92: str     w3, [x4]                    /* UARTDR */
    ldr     x4, =BSP_MINIUART
    ldr     w5, [x4, #0x04]             /* AUX_ENABLES: its registers are not to be touched while it is off */
    tbz     w5, #0, 95f
    mov     w6, #0x100000
93: ldr     w5, [x4, #0x54]             /* AUX_MU_LSR_REG: room */
    subs    w6, w6, #1
    b.eq    94f
    tbz     w5, #5, 93b
94: str     w3, [x4, #0x40]             /* AUX_MU_IO_REG */
95:
    .endm
