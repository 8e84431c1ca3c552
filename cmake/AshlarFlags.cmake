# SPDX-License-Identifier: BSD-2-Clause
# Compiler flags as INTERFACE targets, linked PRIVATE by our own targets only: nothing leaks to a consumer.

# The strict set under which GCC 12 and Clang 14 both build without a warning.
add_library(ashlar_warnings INTERFACE)
target_compile_options(ashlar_warnings INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla
        -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition -Wswitch-enum -Wcast-qual -Wcast-align
        -Wpointer-arith -Wwrite-strings -Wformat=2 -Wnull-dereference -Wdouble-promotion>
    $<$<AND:$<COMPILE_LANGUAGE:C>,$<C_COMPILER_ID:GNU>>:-Wlogical-op -Wduplicated-cond -Wduplicated-branches>
    $<$<BOOL:${ASHLAR_WERROR}>:-Werror>)

# Library code never assumes a C library, on a PC neither.
add_library(ashlar_freestanding INTERFACE)
target_compile_options(ashlar_freestanding INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-ffreestanding -fno-stack-protector -U_FORTIFY_SOURCE -fno-common
        -ffunction-sections -fdata-sections -fno-strict-aliasing>)
# Bare metal is not always AArch64: the libraries are for any CPU, their EL2 halves are not.
function(ashlar_find_el2_)
    set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY) # nothing can be linked yet
    check_c_source_compiles("#ifndef __aarch64__\n#error\n#endif\nextern int x;" ASHLAR_EL2)
endfunction()
set(ASHLAR_EL2 OFF)
if(CMAKE_SYSTEM_NAME STREQUAL "Generic")
    unset(ASHLAR_EL2)
    include(CheckCSourceCompiles)
    ashlar_find_el2_()
endif()
if(ASHLAR_EL2)
    # -mgeneral-regs-only: a guest's FP/SIMD registers are never touched. -mstrict-align: C runs with the MMU off.
    # -mno-outline-atomics: without libgcc. Cortex-A53 errata 835769 here, 843419 at the link.
    # Frame pointers: the backtrace that hv prints when it faults walks them.
    target_compile_options(ashlar_freestanding INTERFACE
        $<$<COMPILE_LANGUAGE:C>:-mgeneral-regs-only -mstrict-align -mno-outline-atomics -mfix-cortex-a53-835769
            -fPIE -fvisibility=hidden -fno-omit-frame-pointer -fno-asynchronous-unwind-tables>
        ${BSP_CPU_FLAGS})
endif()

# What every unit test runs under. A build that counts lines and branches (tests/coverage) has none of them: their
# checks would be branches of their own.
option(ASHLAR_COVERAGE "Tests are built for gcov, without sanitizers" OFF)
add_library(ashlar_sanitizers INTERFACE)
if(ASHLAR_COVERAGE)
    target_compile_options(ashlar_sanitizers INTERFACE --coverage -O0 -g)
    target_link_options(ashlar_sanitizers INTERFACE --coverage)
else()
    target_compile_options(ashlar_sanitizers INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    target_link_options(ashlar_sanitizers INTERFACE -fsanitize=address,undefined)
endif()
