# SPDX-License-Identifier: BSD-2-Clause
# libvirtio without CMake: include this and compile what it lists; docs/embedding.md shows how.
# Made from libvirtio/CMakeLists.txt by tests/lint/sources_mk.py --write; do not edit.
libvirtio_dir := $(dir $(lastword $(MAKEFILE_LIST)))
libvirtio_includes := $(libvirtio_dir)include $(libvirtio_dir)../libbase/include
libvirtio_sources := $(addprefix $(libvirtio_dir), \
	src/virtq.c \
	src/virtq_pop.c \
	src/virtq_push.c \
	src/virtq_packed.c \
	src/virtq_image.c \
	src/device.c \
	src/device_queue.c \
	src/state.c \
	src/request.c \
	src/mmio.c \
	src/rng.c \
	src/blk.c \
	src/console.c \
	src/net.c \
	src/net_control.c \
	src/vsock.c)
