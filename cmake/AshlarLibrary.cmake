# SPDX-License-Identifier: BSD-2-Clause
# ashlar_add_library(NAME DESCRIPTION text SOURCES … [EL2_SOURCES …] [LINK …])
#   archive lib<NAME>.a, target ashlar::<NAME>; public headers in include/, private ones in src/; installed with a .pc.
#   EL2_SOURCES: the library's HAL on real hardware, its own target ashlar::<NAME>_el2 (bare-metal AArch64 only).
#   LINK: what the public header needs beyond libbase (libboot: libfdt).
#   With tests, ashlar_<NAME>_checked is the same code under ASan and UBSan, for the tests to link.
#   Made from the same lists: lib<NAME>/sources.mk, for builds without CMake.
include(AshlarInstall)

function(ashlar_add_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "DESCRIPTION" "SOURCES;EL2_SOURCES;LINK")
    ashlar_library_target_(ashlar_${name} ${name} "${arg_SOURCES}" "${arg_LINK}")
    add_library(ashlar::${name} ALIAS ashlar_${name})
    ashlar_install_library_(${name} "${arg_DESCRIPTION}")
    if(ASHLAR_BUILD_TESTS AND NOT CMAKE_SYSTEM_NAME STREQUAL "Generic")
        ashlar_library_target_(ashlar_${name}_checked ${name}_checked "${arg_SOURCES}" "${arg_LINK}")
        target_link_libraries(ashlar_${name}_checked PRIVATE ashlar_sanitizers)
        if(NOT ASHLAR_COVERAGE) # an assertion that cannot fail is a branch that cannot be taken
            target_compile_definitions(ashlar_${name}_checked PUBLIC ASH_ASSERTIONS=1)
        endif()
        ashlar_sources_mk_(${name} "${arg_SOURCES}" "${arg_EL2_SOURCES}")
    endif()
    if(arg_EL2_SOURCES AND ASHLAR_EL2)
        ashlar_library_target_(ashlar_${name}_el2 ${name}_el2 "${arg_EL2_SOURCES}" "ashlar_${name}")
        add_library(ashlar::${name}_el2 ALIAS ashlar_${name}_el2)
        ashlar_install_library_(${name}_el2 "${arg_DESCRIPTION}: the part that runs at EL2")
    endif()
endfunction()

function(ashlar_library_target_ target archive sources link)
    add_library(${target} STATIC ${sources})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${archive} EXPORT_NAME ${archive} C_STANDARD 11
        C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
    target_include_directories(${target} PUBLIC
        $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
        PRIVATE src)
    # Where it is installed, libfdt is found anew (cmake/ashlar-config.cmake.in).
    list(TRANSFORM link REPLACE "^ashlar_libfdt$"
        "$<BUILD_INTERFACE:ashlar_libfdt>;$<INSTALL_INTERFACE:ashlar::libfdt>")
    target_link_libraries(${target} PUBLIC ashlar_base ${link} PRIVATE
        $<BUILD_INTERFACE:ashlar_warnings> $<BUILD_INTERFACE:ashlar_freestanding>)
endfunction()

# The library's lists as makefile variables, in the build folder; lint_sources_mk compares them with the tracked file.
function(ashlar_sources_mk_ name sources el2_sources)
    set(text "# SPDX-License-Identifier: BSD-2-Clause
# lib${name} without CMake: include this and compile what it lists; docs/embedding.md shows how.
# Made from lib${name}/CMakeLists.txt by tests/lint/sources_mk.py --write; do not edit.
lib${name}_dir := $(dir $(lastword $(MAKEFILE_LIST)))
lib${name}_includes := $(lib${name}_dir)include $(lib${name}_dir)../libbase/include
lib${name}_sources := $(addprefix $(lib${name}_dir),")
    foreach(source ${sources})
        string(APPEND text " \\\n\t${source}")
    endforeach()
    string(APPEND text ")\n")
    if(el2_sources)
        string(APPEND text "# Its HAL on real hardware: AArch64, EL2.\n"
            "lib${name}_el2_sources := $(addprefix $(lib${name}_dir),")
        foreach(source ${el2_sources})
            string(APPEND text " \\\n\t${source}")
        endforeach()
        string(APPEND text ")\n")
    endif()
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/sources-mk/lib${name}.mk" CONTENT "${text}" @ONLY)
endfunction()
