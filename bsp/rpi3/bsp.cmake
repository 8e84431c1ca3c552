# SPDX-License-Identifier: BSD-2-Clause
# Raspberry Pi 3 Model B, B+ and A+: BCM2837, four Cortex-A53.
set(BSP_CPU_FLAGS -mcpu=cortex-a53)
set(BSP_DRIVERS bcm2836 bcm2835_aux bcm2835_pm spin_table)
set(BSP_SOURCES el3.S)
set(BSP_IMAGE kernel8.img)
# The firmware puts the bundle right behind the file (initramfs followkernel). So the file is as long as what it
# becomes, its bss included.
set(BSP_OBJCOPY_FLAGS --set-section-flags .bss=alloc,load,contents)
# Where the firmware puts an Image of text_offset 0, and QEMU too: there hv starts fastest.
set(BSP_LINK_ADDRESS 0x200000)
