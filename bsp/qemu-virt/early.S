/* SPDX-License-Identifier: BSD-2-Clause */
/* Included by boot.S. Send the byte in w3; x4 is clobbered. QEMU's takes any number. */
    .macro bsp_early_put
    ldr     x4, =BSP_EARLY_UART
    str     w3, [x4]
    .endm
