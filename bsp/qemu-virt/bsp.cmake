# SPDX-License-Identifier: BSD-2-Clause
# QEMU -M virt,virtualization=on with any of its Armv8-A cores: nothing beyond the Armv8.0 base is used.
set(BSP_CPU_FLAGS -march=armv8-a)
set(BSP_DRIVERS gic)
set(BSP_IMAGE hv.bin)
# Where an Image of text_offset 0 lands when QEMU's own boot code has the first 4 KiB of RAM: there hv starts fastest.
set(BSP_LINK_ADDRESS 0x40200000)
