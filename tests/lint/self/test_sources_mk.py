# SPDX-License-Identifier: BSD-2-Clause
"""sources_mk.py on a file that is current, stale, missing, or of no library."""
import os
import unittest

from support import TreeTest


class SourcesMk(TreeTest):
    def setUp(self):
        super().setUp()
        self.put("build/sources-mk/libx.mk", "libx_sources := a.c b.c\n")
        self.build = os.path.join(self.root, "build")

    def test_a_current_file_is_fine(self):
        self.put("libx/sources.mk", "libx_sources := a.c b.c\n")
        self.assert_clean("sources_mk.py", self.build)

    def test_a_stale_file_is_found(self):
        self.put("libx/sources.mk", "libx_sources := a.c\n")
        self.assert_finds("sources_mk.py", "libx/sources.mk:", "is not what CMakeLists.txt says", self.build)

    def test_a_missing_file_is_found_and_written(self):
        self.put("libx/CMakeLists.txt")
        self.assert_finds("sources_mk.py", "libx/sources.mk:", "is missing", self.build)
        self.assert_clean("sources_mk.py", "--write", self.build)
        self.assert_clean("sources_mk.py", self.build)

    def test_a_file_of_no_library_is_found(self):
        self.put("libx/sources.mk", "libx_sources := a.c b.c\n")
        self.put("liby/sources.mk")
        self.assert_finds("sources_mk.py", "liby/sources.mk:", "of no library", self.build)

    def test_an_empty_build_folder_is_a_failure(self):
        self.assert_finds("sources_mk.py", "", "nothing was looked at", self.root)


if __name__ == "__main__":
    unittest.main()
