# SPDX-License-Identifier: BSD-2-Clause
# -DBSP=<folder of bsp/>: which board hv is built for. A wrong or missing one lists the right ones.
file(GLOB _ashlar_boards RELATIVE ${PROJECT_SOURCE_DIR}/bsp ${PROJECT_SOURCE_DIR}/bsp/*/bsp.cmake)
list(TRANSFORM _ashlar_boards REPLACE "/bsp.cmake$" "")
list(SORT _ashlar_boards)
list(JOIN _ashlar_boards ", " _ashlar_boards_text)
if(NOT BSP)
    message(FATAL_ERROR "hv is built for one board: say which with -DBSP=NAME. Boards: ${_ashlar_boards_text}")
elseif(NOT BSP IN_LIST _ashlar_boards)
    message(FATAL_ERROR "-DBSP=${BSP}: there is no such board. Boards: ${_ashlar_boards_text}")
endif()
set(BSP ${BSP} CACHE STRING "The board hv is built for: ${_ashlar_boards_text}")
include(${PROJECT_SOURCE_DIR}/bsp/${BSP}/bsp.cmake)
