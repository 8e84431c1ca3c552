# SPDX-License-Identifier: BSD-2-Clause
# libvcpu without CMake: include this and compile what it lists; docs/embedding.md shows how.
# Made from libvcpu/CMakeLists.txt by tests/lint/sources_mk.py --write; do not edit.
libvcpu_dir := $(dir $(lastword $(MAKEFILE_LIST)))
libvcpu_includes := $(libvcpu_dir)include $(libvcpu_dir)../libbase/include
libvcpu_sources := $(addprefix $(libvcpu_dir), \
	src/context.c \
	src/exit.c \
	src/mmio.c \
	src/instruction.c \
	src/transfer.c \
	src/inject.c \
	src/id.c \
	src/sysreg.c \
	src/psci.c \
	src/smccc.c \
	src/trng.c \
	src/pvtime.c)
# Its HAL on real hardware: AArch64, EL2.
libvcpu_el2_sources := $(addprefix $(libvcpu_dir), \
	src/aarch64/el2.c \
	src/aarch64/fp.S)
