# SPDX-License-Identifier: BSD-2-Clause
# Finds a compiler for bare-metal AArch64 and nothing else: ABI flags come from targets (cmake/AshlarFlags.cmake).
#
#   cmake -S . -B build/qemu-virt -DBSP=qemu-virt --toolchain toolchains/aarch64.cmake
#   … -DASHLAR_COMPILER=clang             clang + lld instead of GCC
#   CROSS_COMPILE=/opt/…/aarch64-none-elf- cmake …    a particular GCC
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ASHLAR_COMPILER CROSS_COMPILE)

if(NOT DEFINED CROSS_COMPILE AND DEFINED ENV{CROSS_COMPILE})
    set(CROSS_COMPILE "$ENV{CROSS_COMPILE}")
endif()
if(NOT DEFINED ASHLAR_COMPILER)
    set(ASHLAR_COMPILER gcc)
endif()

if(ASHLAR_COMPILER STREQUAL "clang")
    find_program(ASHLAR_CLANG NAMES clang REQUIRED)
    set(CMAKE_C_COMPILER ${ASHLAR_CLANG})
    set(CMAKE_ASM_COMPILER ${ASHLAR_CLANG})
    set(CMAKE_C_COMPILER_TARGET aarch64-linux-gnu)
    set(CMAKE_ASM_COMPILER_TARGET aarch64-linux-gnu)
    find_program(CMAKE_AR NAMES llvm-ar REQUIRED)
    find_program(CMAKE_RANLIB NAMES llvm-ranlib REQUIRED)
    find_program(CMAKE_OBJCOPY NAMES llvm-objcopy REQUIRED)
    find_program(CMAKE_NM NAMES llvm-nm REQUIRED)
elseif(ASHLAR_COMPILER STREQUAL "gcc")
    if(DEFINED CROSS_COMPILE)
        set(_ashlar_gcc ${CROSS_COMPILE}gcc)
    elseif(CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL "aarch64")
        set(_ashlar_gcc aarch64-linux-gnu-gcc aarch64-none-elf-gcc gcc)
    else()
        set(_ashlar_gcc aarch64-linux-gnu-gcc aarch64-none-elf-gcc)
    endif()
    find_program(ASHLAR_GCC NAMES ${_ashlar_gcc})
    if(NOT ASHLAR_GCC)
        message(FATAL_ERROR "no AArch64 GCC found (looked for: ${_ashlar_gcc}). "
            "Debian: apt-get install gcc-aarch64-linux-gnu. Another one: CROSS_COMPILE=prefix- in the environment.")
    endif()
    set(CMAKE_C_COMPILER ${ASHLAR_GCC})
    set(CMAKE_ASM_COMPILER ${ASHLAR_GCC})
else()
    message(FATAL_ERROR "ASHLAR_COMPILER is \"${ASHLAR_COMPILER}\"; allowed: gcc, clang")
endif()

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
