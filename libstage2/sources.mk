# SPDX-License-Identifier: BSD-2-Clause
# libstage2 without CMake: include this and compile what it lists; docs/embedding.md shows how.
# Made from libstage2/CMakeLists.txt by tests/lint/sources_mk.py --write; do not edit.
libstage2_dir := $(dir $(lastword $(MAKEFILE_LIST)))
libstage2_includes := $(libstage2_dir)include $(libstage2_dir)../libbase/include
libstage2_sources := $(addprefix $(libstage2_dir), \
	src/geometry.c \
	src/descriptor.c \
	src/tables.c \
	src/stage2.c \
	src/map.c \
	src/unmap.c \
	src/protect.c \
	src/lookup.c \
	src/vmid.c)
# Its HAL on real hardware: AArch64, EL2.
libstage2_el2_sources := $(addprefix $(libstage2_dir), \
	src/aarch64/el2.c)
