# SPDX-License-Identifier: BSD-2-Clause
# The machine that the vGIC's tests and its fuzz target run on: VGIC_MACHINE_SOURCES.
get_filename_component(_tests ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
set(VGIC_MACHINE_SOURCES ${CMAKE_CURRENT_LIST_DIR}/machine.c ${_tests}/fakes/fake_ich.c ${_tests}/fakes/fake_gich.c
    ${_tests}/../libvgic/src/aarch64/gich.c)
