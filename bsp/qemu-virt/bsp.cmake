# SPDX-License-Identifier: BSD-2-Clause
# QEMU -M virt,virtualization=on with any of its Armv8-A cores: nothing beyond the Armv8.0 base is used.
set(BSP_CPU_FLAGS -march=armv8-a)
set(BSP_DRIVERS gic)
set(BSP_IMAGE hv.bin)
