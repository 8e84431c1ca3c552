# SPDX-License-Identifier: BSD-2-Clause
# `cmake --install`: headers in include/, archives in lib/ashlar/, the package `ashlar` in lib/cmake/ashlar/, a .pc for
# each library in lib/pkgconfig/. The prefix may be moved afterwards: nothing installed names it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
option(ASHLAR_INSTALL "Install the libraries" ${ASHLAR_TOP})
set_property(GLOBAL PROPERTY ashlar_components base)

# The least that the other side must have in common with these archives.
if(CMAKE_SYSTEM_NAME STREQUAL "Generic")
    set(ASHLAR_ENVIRONMENT freestanding)
else()
    set(ASHLAR_ENVIRONMENT hosted)
endif()

function(ashlar_install_library_ name description)
    set_property(GLOBAL APPEND PROPERTY ashlar_components ${name})
    if(NOT ASHLAR_INSTALL)
        return()
    endif()
    install(TARGETS ashlar_${name} EXPORT ashlar ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/ashlar)
    set(requires ashlar-base)
    set(libs "-L\${libdir}/ashlar -l${name}")
    if(name MATCHES "(.*)_el2$")
        set(requires ashlar-${CMAKE_MATCH_1})
    else()
        install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
    endif()
    if(name STREQUAL "boot") # libfdt has no .pc of its own; a path of the builder's machine is not passed on
        string(APPEND libs " -lfdt")
    endif()
    ashlar_install_pc_(${name} "${description}" "${requires}" "${libs}")
endfunction()

# One version for all, so a library requires exactly the libbase that it was made with.
function(ashlar_install_pc_ name description requires libs)
    file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
    string(REGEX REPLACE "/$" "" up "${up}")
    set(text "prefix=\${pcfiledir}/${up}\nlibdir=\${prefix}/${CMAKE_INSTALL_LIBDIR}\n")
    string(APPEND text "includedir=\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}\n\nName: ashlar-${name}\n")
    string(APPEND text "Description: ${description}\nURL: ${PROJECT_HOMEPAGE_URL}\nVersion: ${PROJECT_VERSION}\n")
    if(requires)
        string(APPEND text "Requires: ${requires} = ${PROJECT_VERSION}\n")
    endif()
    string(APPEND text "Cflags: -I\${includedir}\n")
    if(libs)
        string(APPEND text "Libs: ${libs}\n")
    endif()
    string(REPLACE "URL: \n" "" text "${text}")
    file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/pkgconfig/ashlar-${name}.pc CONTENT "${text}")
    install(FILES ${PROJECT_BINARY_DIR}/pkgconfig/ashlar-${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# After all libraries.
function(ashlar_install_package)
    if(NOT ASHLAR_INSTALL)
        return()
    endif()
    install(TARGETS ashlar_base EXPORT ashlar)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/libbase/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
    ashlar_install_pc_(base "The words that Ashlar's libraries share; headers only" "" "")

    set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/ashlar)
    get_property(ASHLAR_COMPONENTS GLOBAL PROPERTY ashlar_components)
    configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/ashlar-config.cmake.in
        ${PROJECT_BINARY_DIR}/ashlar-config.cmake INSTALL_DESTINATION ${folder} NO_SET_AND_CHECK_MACRO
        NO_CHECK_REQUIRED_COMPONENTS_MACRO)
    # Semantic versions: before 1.0 a minor version may break.
    if(PROJECT_VERSION_MAJOR EQUAL 0)
        set(compatible SameMinorVersion)
    else()
        set(compatible SameMajorVersion)
    endif()
    # What the archives are made for is told by the configuration file, in words.
    write_basic_package_version_file(${PROJECT_BINARY_DIR}/ashlar-config-version.cmake COMPATIBILITY ${compatible}
        ARCH_INDEPENDENT)
    install(FILES ${PROJECT_BINARY_DIR}/ashlar-config.cmake ${PROJECT_BINARY_DIR}/ashlar-config-version.cmake
        DESTINATION ${folder})
    install(EXPORT ashlar NAMESPACE ashlar:: FILE ashlar-targets.cmake DESTINATION ${folder})
endfunction()
