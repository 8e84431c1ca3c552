/* SPDX-License-Identifier: BSD-2-Clause */
/** QEMU -M virt: the one address that is needed before the device tree can be read. */
#ifndef BSP_MEMMAP_H
#define BSP_MEMMAP_H

/** PL011 data register, for the line that says "not started at EL2". */
#define BSP_EARLY_UART 0x09000000

#endif
