# SPDX-License-Identifier: BSD-2-Clause
# ashlar_readme_sample(README OUT_VARIABLE): the first ```c block of README as a source file, so that a test compiles
# and runs what the documentation shows.
function(ashlar_readme_sample readme out)
    get_filename_component(readme "${readme}" ABSOLUTE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${readme}")
    file(READ "${readme}" text)
    string(FIND "${text}" "```c\n" begin)
    if(begin EQUAL -1)
        message(FATAL_ERROR "${readme}: no \`\`\`c block")
    endif()
    math(EXPR begin "${begin} + 5")
    string(SUBSTRING "${text}" ${begin} -1 text)
    string(FIND "${text}" "\n```" end)
    string(SUBSTRING "${text}" 0 ${end} text)
    set(source "${CMAKE_CURRENT_BINARY_DIR}/readme_sample.c")
    file(GENERATE OUTPUT "${source}" CONTENT "${text}\n")
    set(${out} "${source}" PARENT_SCOPE)
endfunction()
