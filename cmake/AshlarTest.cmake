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

# ashlar_add_race_test(NAME [LABEL label] [TIMEOUT s] SOURCES … [LIBRARIES stage2 …] [INCLUDES …])
#   Threads under ThreadSanitizer, which excludes AddressSanitizer: so the libraries that it names are compiled once
#   more, into the test.
function(ashlar_add_race_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "SOURCES;LIBRARIES;INCLUDES")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    if(NOT arg_LABEL)
        set(arg_LABEL unit)
    endif()
    find_package(Threads REQUIRED)
    foreach(library ${arg_LIBRARIES})
        get_target_property(sources ashlar_${library} SOURCES)
        get_target_property(folder ashlar_${library} SOURCE_DIR)
        list(TRANSFORM sources PREPEND ${folder}/)
        list(APPEND arg_SOURCES ${sources})
        list(APPEND arg_INCLUDES ${folder}/include)
    endforeach()
    add_executable(${name} ${arg_SOURCES})
    set_target_properties(${name} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON)
    target_include_directories(${name} PRIVATE
        ${CMAKE_CURRENT_SOURCE_DIR} ${arg_INCLUDES} ${PROJECT_SOURCE_DIR}/tests/include)
    target_compile_definitions(${name} PRIVATE ASH_ASSERTIONS=1)
    # It does not see fences, and GCC says so; what it judges by is acquire and release of objects. Atomic counters: a
    # coverage build must not race either.
    target_compile_options(${name} PRIVATE -fsanitize=thread -g -O1 -fprofile-update=atomic
        $<$<C_COMPILER_ID:GNU>:-Wno-tsan>)
    target_link_options(${name} PRIVATE -fsanitize=thread)
    target_link_libraries(${name} PRIVATE ashlar_base ashlar_warnings ashlar_cmocka Threads::Threads)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT}
        ENVIRONMENT "TSAN_OPTIONS=halt_on_error=1")
endfunction()
