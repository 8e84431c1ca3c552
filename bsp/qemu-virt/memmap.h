/* SPDX-License-Identifier: BSD-2-Clause */
/** QEMU -M virt: the one address that is needed before the device tree can be read. Assembly includes it. */
#ifndef BSP_MEMMAP_H
#define BSP_MEMMAP_H

/** PL011 data register, for the line that says "not started at EL2". */
#define BSP_EARLY_UART 0x09000000

#define BSP_WRONG_EL_HINT "On QEMU: -M virt,virtualization=on (without secure=on)"

#endif
