# SPDX-License-Identifier: BSD-2-Clause
# libvtimer without CMake: include this and compile what it lists; docs/embedding.md shows how.
# Made from libvtimer/CMakeLists.txt by tests/lint/sources_mk.py --write; do not edit.
libvtimer_dir := $(dir $(lastword $(MAKEFILE_LIST)))
libvtimer_includes := $(libvtimer_dir)include $(libvtimer_dir)../libbase/include
libvtimer_sources := $(addprefix $(libvtimer_dir), \
	src/vtimer.c)
# Its HAL on real hardware: AArch64, EL2.
libvtimer_el2_sources := $(addprefix $(libvtimer_dir), \
	src/aarch64/el2.c)
