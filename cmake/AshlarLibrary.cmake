# SPDX-License-Identifier: BSD-2-Clause
# ashlar_add_library(NAME SOURCES … [EL2_SOURCES …] [LINK …])
#   archive lib<NAME>.a, target ashlar::<NAME>; public headers in include/, private ones in src/.
#   EL2_SOURCES: the library's HAL on real hardware, its own target ashlar::<NAME>_el2 (cross builds only).
#   LINK: what the public header needs beyond libbase (libboot: libfdt).
#   With tests, ashlar_<NAME>_checked is the same code under ASan and UBSan, for the tests to link.
function(ashlar_add_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;EL2_SOURCES;LINK")
    ashlar_library_target_(ashlar_${name} ${name} "${arg_SOURCES}" "${arg_LINK}")
    add_library(ashlar::${name} ALIAS ashlar_${name})
    if(ASHLAR_BUILD_TESTS AND NOT CMAKE_SYSTEM_NAME STREQUAL "Generic")
        ashlar_library_target_(ashlar_${name}_checked ${name}_checked "${arg_SOURCES}" "${arg_LINK}")
        target_link_libraries(ashlar_${name}_checked PRIVATE ashlar_sanitizers)
        if(NOT ASHLAR_COVERAGE) # an assertion that cannot fail is a branch that cannot be taken
            target_compile_definitions(ashlar_${name}_checked PUBLIC ASH_ASSERTIONS=1)
        endif()
    endif()
    if(arg_EL2_SOURCES AND CMAKE_SYSTEM_NAME STREQUAL "Generic")
        ashlar_library_target_(ashlar_${name}_el2 ${name}_el2 "${arg_EL2_SOURCES}" "ashlar_${name}")
        add_library(ashlar::${name}_el2 ALIAS ashlar_${name}_el2)
    endif()
endfunction()

function(ashlar_library_target_ target archive sources link)
    add_library(${target} STATIC ${sources})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${archive} C_STANDARD 11 C_STANDARD_REQUIRED ON
        C_EXTENSIONS OFF)
    target_include_directories(${target} PUBLIC
        $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
        PRIVATE src)
    target_link_libraries(${target} PUBLIC ashlar_base ${link} PRIVATE
        $<BUILD_INTERFACE:ashlar_warnings> $<BUILD_INTERFACE:ashlar_freestanding>)
endfunction()
