# SPDX-License-Identifier: BSD-2-Clause
# The fuzz targets, for both ways to build them: TARGETS, and of each FUZZ_SOURCES_<target>, FUZZ_LIBS_<target>,
# FUZZ_INCLUDES_<target>, FUZZ_OPTIONS_<target>, FUZZ_LINK_<target> and whether FUZZ_SOURCES brings its library's
# sources itself.
set(FUZZ_DIR ${CMAKE_CURRENT_LIST_DIR})
get_filename_component(FUZZ_TESTS ${FUZZ_DIR}/.. ABSOLUTE)
set(FUZZ_TARGETS bundle vms image vgic sysreg exit psci virtqueue virtio_blk virtio_console virtio_net virtio_vsock
    console lifecycle bcm2837 vswitch)

foreach(target bundle vms image)
    set(FUZZ_LIBS_${target} boot)
endforeach()
foreach(target sysreg exit psci)
    set(FUZZ_LIBS_${target} vcpu)
endforeach()
set(FUZZ_EXTERNAL_vms ashlar_libfdt)

# The vGIC's machine and the model of the hardware's CPU interface are those of the unit tests.
include(${FUZZ_TESTS}/unit/libvgic/machine.cmake)
set(FUZZ_SOURCES_vgic ${VGIC_MACHINE_SOURCES})
set(FUZZ_INCLUDES_vgic ${FUZZ_TESTS}/unit/libvgic ${FUZZ_TESTS}/include)
set(FUZZ_LIBS_vgic vgic)
set(FUZZ_EXTERNAL_vgic cmocka)

# libvirtio's sources once more, with every access to guest memory in the target's hands.
get_target_property(_sources ashlar_virtio SOURCES)
get_target_property(_folder ashlar_virtio SOURCE_DIR)
list(TRANSFORM _sources PREPEND ${_folder}/)
set(FUZZ_SOURCES_virtqueue ${_sources})
set(FUZZ_INCLUDES_virtqueue ${_folder}/include ${FUZZ_TESTS}/unit/libvirtio)
set(FUZZ_OPTIONS_virtqueue -include ${FUZZ_TESTS}/unit/libvirtio/hooked_access.h)

foreach(target virtio_blk virtio_console virtio_net virtio_vsock)
    set(FUZZ_LIBS_${target} virtio)
endforeach()

# hv's console, editor and command line stand alone; what commands do is the target's.
set(FUZZ_SOURCES_console console.c console_keys.c console_line.c command.c editor.c format.c record.c)
list(TRANSFORM FUZZ_SOURCES_console PREPEND ${FUZZ_TESTS}/../hv/core/)
set(FUZZ_INCLUDES_console ${FUZZ_TESTS}/../hv)
set(FUZZ_LIBS_console boot vcpu stage2 vgic vtimer)
set(FUZZ_EXTERNAL_console ashlar_libfdt)

# A Raspberry Pi's devices stand alone, with RAM of the target's.
set(FUZZ_SOURCES_bcm2837 bcm2837.c bcm_aux.c bcm_blocks.c bcm_intc.c bcm_local.c bcm_mailbox.c bcm_property.c
    bcm_systimer.c vpl011.c)
list(TRANSFORM FUZZ_SOURCES_bcm2837 PREPEND ${FUZZ_TESTS}/../hv/vdev/)
set(FUZZ_INCLUDES_bcm2837 ${FUZZ_TESTS}/../hv)

set(FUZZ_SOURCES_vswitch ${FUZZ_TESTS}/../hv/vdev/vswitch.c ${FUZZ_TESTS}/../hv/vdev/vswitch_table.c)
set(FUZZ_INCLUDES_vswitch ${FUZZ_TESTS}/../hv)

# hv's core on the simulated board of tests/sim.
include(${FUZZ_TESTS}/../hv/sources.cmake)
set(FUZZ_SOURCES_lifecycle ${HV_CORE_SOURCES} ${HV_HOST_SOURCES})
list(TRANSFORM FUZZ_SOURCES_lifecycle PREPEND ${FUZZ_TESTS}/../hv/)
list(APPEND FUZZ_SOURCES_lifecycle ${FUZZ_TESTS}/sim/rig.c)
set(FUZZ_INCLUDES_lifecycle ${FUZZ_TESTS}/../hv ${FUZZ_TESTS}/sim ${FUZZ_TESTS}/include)
set(FUZZ_OPTIONS_lifecycle -DHV_ARCH_INTERLEAVES=1 -DHV_RECORDER=1)
set(FUZZ_LINK_lifecycle -Wl,--wrap=hv_pages_alloc -Wl,--wrap=hv_pages_alloc_zeroed)
set(FUZZ_LIBS_lifecycle boot vcpu stage2 vgic vtimer virtio)
find_package(Threads REQUIRED)
set(FUZZ_EXTERNAL_lifecycle ashlar_libfdt cmocka Threads::Threads)
