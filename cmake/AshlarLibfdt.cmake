# SPDX-License-Identifier: BSD-2-Clause
# libfdt comes from outside: ASHLAR_LIBFDT is a CMake target, the path of a libfdt.a with headers beside it
# (../../include or ../include), or "system" (the compiler's own search path). Result: target ashlar_libfdt.
set(ASHLAR_LIBFDT "" CACHE STRING "libfdt: a target, the path of a libfdt.a, or \"system\"")
set(_libfdt "${ASHLAR_LIBFDT}")
if(NOT _libfdt)
    if(CMAKE_SYSTEM_NAME STREQUAL "Generic")
        # Debian's arm64 package, unpacked outside the tree without touching the system.
        execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tests/setup/fetch libfdt
            OUTPUT_VARIABLE _libfdt OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE _rc)
        if(NOT _rc EQUAL 0)
            message(FATAL_ERROR "no arm64 libfdt.a: tests/setup/fetch libfdt failed (see above). "
                "Give your own with -DASHLAR_LIBFDT=/path/to/libfdt.a")
        endif()
    else()
        set(_libfdt system)
    endif()
endif()

add_library(ashlar_libfdt INTERFACE)
if(TARGET "${_libfdt}")
    target_link_libraries(ashlar_libfdt INTERFACE ${_libfdt})
elseif(_libfdt STREQUAL "system")
    target_link_libraries(ashlar_libfdt INTERFACE fdt)
elseif(EXISTS "${_libfdt}")
    get_filename_component(_dir "${_libfdt}" DIRECTORY)
    find_path(_ashlar_libfdt_include libfdt.h NO_CACHE NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH
        PATHS ${_dir} ${_dir}/include ${_dir}/../include ${_dir}/../../include)
    if(NOT _ashlar_libfdt_include)
        message(FATAL_ERROR "ASHLAR_LIBFDT=${_libfdt}: no libfdt.h in include/, ../include or ../../include beside it")
    endif()
    target_include_directories(ashlar_libfdt SYSTEM INTERFACE ${_ashlar_libfdt_include})
    target_link_libraries(ashlar_libfdt INTERFACE ${_libfdt})
else()
    message(FATAL_ERROR "ASHLAR_LIBFDT=${_libfdt}: neither a target, nor a file, nor \"system\"")
endif()
