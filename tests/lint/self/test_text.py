# SPDX-License-Identifier: BSD-2-Clause
"""text.py on trees with one fault each."""
import unittest

from support import SPDX, TreeTest


class Text(TreeTest):
    def test_good_files_pass(self):
        self.put("a.c", f"/* {SPDX} */\n" + "x" * 120 + "\n")
        self.put("run", f"#!/bin/sh\n# {SPDX}\n")
        self.put("README.md", f"<!-- {SPDX} -->\n" + "long " * 40 + "words\n")
        self.put("a.dts", f"// {SPDX}\n/ {{\n\tvms {{ }};\n}};\n")
        self.put("presets.json", "{}\n")
        self.put("LICENSE", "all of it\n")
        self.put("picture.png", b"\x89PNG\0\0  \n")
        self.assert_clean("text.py")

    def test_each_fault_is_found_at_its_line(self):
        good = f"# {SPDX}\n"
        for name, text, line, reason in (
                ("a.c", "int x;\n", 1, "SPDX"),
                ("a.c", "\n\n\n\n/* " + SPDX + " */\n", 1, "SPDX"),
                ("README.md", "# Title\n", 1, "SPDX"),
                ("a.py", good + "x = 1\n\ty = 2\n", 3, "tab"),
                ("a.py", good + "x = 1 \n", 2, "blanks"),
                ("a.py", good + "x = 1\r\n", 2, "carriage return"),
                ("a.py", good + "x" * 121 + "\n", 2, "121 columns"),
                ("CMakeLists.txt", good + "x" * 121 + "\n", 2, "121 columns"),
                ("run", "#!/bin/sh\n" + good + "é" * 121 + "\n", 3, "121 columns"),
                ("a.py", good + "x = 1", 2, "no newline"),
                ("a.py", good + "x = 1\n\n", 3, "empty line")):
            with self.subTest(name=name, reason=reason):
                self.setUp()
                self.put(name, text.encode())
                self.assert_finds("text.py", f"{name}:{line}: ", reason)

    def test_columns_are_characters_not_bytes(self):
        self.put("a.py", f"# {SPDX}\n# " + "é" * 118 + "\n")
        self.assert_clean("text.py")

    def test_an_empty_tree_is_no_success(self):
        self.assert_finds("text.py", "", "nothing was looked at")


if __name__ == "__main__":
    unittest.main()
