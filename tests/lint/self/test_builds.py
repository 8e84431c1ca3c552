# SPDX-License-Identifier: BSD-2-Clause
"""builds.py on small projects with one fault each."""
import os
import re
import unittest

from support import TreeTest

import builds
import common

TOP = """\
cmake_minimum_required(VERSION 3.21)
project(x LANGUAGES C)
if(NOT BSP AND PROJECT_IS_TOP_LEVEL)
    message(FATAL_ERROR "Boards: qemu-virt, rpi3")
elseif(NOT BSP MATCHES "^(qemu-virt|rpi3)$" AND PROJECT_IS_TOP_LEVEL)
    message(FATAL_ERROR "no board ${BSP}. Boards: qemu-virt, rpi3")
endif()
add_library(x STATIC libx/src/x.c)
target_compile_options(x PRIVATE -Wall)
"""


class Builds(TreeTest):
    def setUp(self):
        super().setUp()
        self.put("CMakeLists.txt", TOP)
        self.put("libx/CMakeLists.txt", "")
        self.put("libx/src/x.c", "int x(void);\nint x(void)\n{\n    return 0;\n}\n")
        self.put("bsp/qemu-virt/bsp.cmake", "set(BSP_IMAGE hv.bin)\n")
        self.put("bsp/rpi3/bsp.cmake", "set(BSP_IMAGE kernel8.img)\n")
        with open(os.path.join(common.ROOT, "toolchains/aarch64.cmake"), encoding="utf-8") as f:
            self.put("toolchains/aarch64.cmake", f.read())
        self.put(".gitignore", "CMakeCache.txt\nCMakeFiles/\n*.cmake\nMakefile\n*.a\n")

    def cross(self):
        return ("cross", "qemu-virt", "gcc", os.path.join(self.root, "build/x"))

    def test_a_good_project_passes(self):
        for kind in ("in-source", "boards", "sub-project"):
            with self.subTest(kind=kind):
                self.assert_clean("builds.py", kind)

    def test_a_warning_is_found_even_in_a_folder_that_was_built_before(self):
        self.put("libx/src/x.c", "int x(void)\n{\n    int unused;\n    return 0;\n}\n")
        for _ in range(2):
            self.assert_finds("builds.py", "libx/src/x.c:3: ", "unused", *self.cross())

    def test_an_error_is_found(self):
        self.put("libx/src/x.c", "int x(void)\n{\n    return y;\n}\n")
        self.assert_finds("builds.py", "libx/src/x.c:3: ", "undeclared", *self.cross())
        self.put("CMakeLists.txt", "cmake_minimum_required(VERSION 3.21)\nproject(x LANGUAGES C)\ninclude(Gone)\n")
        self.assert_finds("builds.py", "CMakeLists.txt:3: ", "Gone", *self.cross())

    def test_a_build_without_hv_is_found(self):
        self.assert_finds("builds.py", "qemu-virt with gcc", "builds no hv/hv.elf", *self.cross())

    def test_what_an_in_source_build_leaves_is_found(self):
        self.put(".gitignore", "CMakeCache.txt\nCMakeFiles/\n*.cmake\nMakefile\n")
        self.assert_finds("builds.py", "libx.a", "after an in-source build", "in-source")

    def test_a_tracked_file_that_the_build_changes_is_found(self):
        self.put("CMakeLists.txt", TOP + "file(WRITE ${CMAKE_SOURCE_DIR}/libx/CMakeLists.txt changed)\n")
        self.assert_finds("builds.py", "libx/CMakeLists.txt", "after an in-source build", "in-source")

    def test_a_board_that_is_not_named_is_found(self):
        self.put("CMakeLists.txt", TOP.replace("qemu-virt, rpi3", "qemu-virt"))
        self.assert_finds("builds.py", "cmake without -DBSP=", "does not name the board rpi3", "boards")

    def test_a_wrong_board_that_is_accepted_is_found(self):
        self.put("CMakeLists.txt", re.sub(r"elseif.*?\n.*?\n", "", TOP))
        self.assert_finds("builds.py", "cmake -DBSP=no-such-board", "is accepted", "boards")

    def test_what_a_consumer_gets_beside_libraries_is_found(self):
        for more, where, reason in (
                ("add_library(h STATIC hv/h.c)\n", "hv/h.c", "only libraries are"),
                ("target_compile_options(x PRIVATE -Werror)\n", "libx/src/x.c", "-Werror"),
                ("enable_testing()\nadd_test(NAME t COMMAND true)\n", "ctest", "has tests of ours")):
            with self.subTest(reason=reason):
                self.put("hv/h.c", "int h;\n")
                self.put("CMakeLists.txt", TOP + more)
                self.assert_finds("builds.py", where, reason, "sub-project", "--configure-only")

    def test_a_library_that_a_consumer_lacks_is_found(self):
        self.put("liby/CMakeLists.txt", "")
        self.assert_finds("builds.py", "liby", "is not built", "sub-project", "--configure-only")


class Complaints(unittest.TestCase):
    def test_each_kind_is_heard(self):
        for line, expected in (
                ("/t/a.c:3:5: warning: x [-Wy]", ("a.c", 3, "warning: x [-Wy]")),
                ("/t/a.S:7: Error: unknown mnemonic", None),
                ("a.c:3:5: fatal error: x.h", ("a.c", 3, "fatal error: x.h")),
                ("ld: warning: a.elf has a LOAD segment", ("build", 0, "ld: warning: a.elf has a LOAD segment")),
                ("a.c:(.text+0x4): undefined reference to `f'", ("build", 0, None)),
                ("make: *** [a] Error 1", ("build", 0, None)),
                ("CMake Warning:", None),
                ("CMake Warning (dev) at b/CMakeLists.txt:4 (x):", ("b/CMakeLists.txt", 4, None)),
                ("[ 10%] Building C object errors.c.o", None)):
            found = list(builds.complaints(line + "\n", "/t"))
            if expected is None:
                continue
            self.assertEqual(len(found), 1, line)
            self.assertEqual(found[0][:2], expected[:2], line)
            self.assertIn(expected[2] or "", found[0][2], line)
        self.assertEqual(list(builds.complaints("[ 10%] Building C object errors.c.o\nCMake Warning:\n", "/t")), [])


if __name__ == "__main__":
    unittest.main()
