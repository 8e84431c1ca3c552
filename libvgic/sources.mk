# SPDX-License-Identifier: BSD-2-Clause
# libvgic without CMake: include this and compile what it lists; docs/embedding.md shows how.
# Made from libvgic/CMakeLists.txt by tests/lint/sources_mk.py --write; do not edit.
libvgic_dir := $(dir $(lastword $(MAKEFILE_LIST)))
libvgic_includes := $(libvgic_dir)include $(libvgic_dir)../libbase/include
libvgic_sources := $(addprefix $(libvgic_dir), \
	src/init.c \
	src/irq.c \
	src/source.c \
	src/lr.c \
	src/fast.c \
	src/mmio.c \
	src/bits.c \
	src/dist.c \
	src/dist2.c \
	src/redist.c \
	src/sgi.c \
	src/soft.c \
	src/state.c \
	src/view.c)
# Its HAL on real hardware: AArch64, EL2.
libvgic_el2_sources := $(addprefix $(libvgic_dir), \
	src/aarch64/el2.c \
	src/aarch64/gich.c)
