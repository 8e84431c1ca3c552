# SPDX-License-Identifier: BSD-2-Clause
# ashlar_add_test(NAME LABEL label [TIMEOUT s] SOURCES … [LIBS …] [INCLUDES …])
#   A cmocka executable under ASan and UBSan, registered with ctest.
function(ashlar_add_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "SOURCES;LIBS;INCLUDES;DEFINES")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 60)
    endif()
    add_executable(${name} ${arg_SOURCES})
    set_target_properties(${name} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON)
    target_include_directories(${name} PRIVATE
        ${CMAKE_CURRENT_SOURCE_DIR} ${arg_INCLUDES} ${PROJECT_SOURCE_DIR}/tests/include)
    target_compile_definitions(${name} PRIVATE ${arg_DEFINES})
    target_link_libraries(${name} PRIVATE ${arg_LIBS} ashlar_base ashlar_warnings ashlar_sanitizers ashlar_cmocka)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()
