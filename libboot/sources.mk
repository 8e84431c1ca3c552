# SPDX-License-Identifier: BSD-2-Clause
# libboot without CMake: include this and compile what it lists; docs/embedding.md shows how.
# Made from libboot/CMakeLists.txt by tests/lint/sources_mk.py --write; do not edit.
libboot_dir := $(dir $(lastword $(MAKEFILE_LIST)))
libboot_includes := $(libboot_dir)include $(libboot_dir)../libbase/include
libboot_sources := $(addprefix $(libboot_dir), \
	src/board.c \
	src/board_devices.c \
	src/bundle.c \
	src/config.c \
	src/config_console.c \
	src/config_life.c \
	src/config_machine.c \
	src/config_pipes.c \
	src/config_properties.c \
	src/config_virtio.c \
	src/fault.c \
	src/fdt_reader.c \
	src/guest_fdt.c \
	src/image.c \
	src/option.c \
	src/text.c \
	src/vm_images.c)
