# SPDX-License-Identifier: BSD-2-Clause
"""clang_format.py, analyse.py and shell.py on files with a fault; what a missing tool means."""
import json
import os
import shutil
import subprocess
import sys
import unittest

from support import LINT, TreeTest

import common

BUGGY = """\
int ash_x(const int *p);
int ash_x(const int *p)
{
    int a[2] = {0, 0};
    return p == 0 ? *p : a[2];
}
"""


class Tools(TreeTest):
    def test_a_line_out_of_format_is_found(self):
        self.put(".clang-format", "BasedOnStyle: LLVM\n")
        self.put("a.c", "int x;\n")
        self.assert_clean("clang_format.py")
        self.put("a.c", "int x;\nint   y;\n")
        self.assert_finds("clang_format.py", "a.c:2: ", "clang-formatted")

    def test_a_wrong_format_file_is_found(self):
        self.put(".clang-format", "NoSuchKey: 1\n")
        self.put("a.c", "int x;\n")
        self.assertEqual(self.lint("clang_format.py")[0], 1)

    def test_clang_tidy_finds(self):
        path = self.put("libx/src/a.c", BUGGY)
        self.put(".clang-tidy", "Checks: '-*,clang-analyzer-*'\nWarningsAsErrors: '*'\n")
        entry = {"directory": self.root, "command": f"gcc -Wlogical-op -Werror -c {path}", "file": path}
        build = os.path.dirname(self.put("build/compile_commands.json", json.dumps([entry])))
        self.assert_finds("analyse.py", "libx/src/a.c:5: ", "clang-analyzer", "clang-tidy", "--build", build)
        self.put("libx/src/a.c", "int ash_x(void);\nint ash_x(void)\n{\n    return 0;\n}\n")
        self.assert_clean("analyse.py", "clang-tidy", "--build", build)

    def test_clang_tidy_without_sources_is_no_success(self):
        build = os.path.dirname(self.put("build/compile_commands.json", "[]"))
        self.assert_finds("analyse.py", "", "nothing was looked at", "clang-tidy", "--build", build)

    def test_cppcheck_finds(self):
        self.put("libx/src/a.c", BUGGY)
        self.assert_finds("analyse.py", "libx/src/a.c:5: ", "arrayIndexOutOfBounds", "cppcheck")

    def test_a_shell_script_with_a_fault_is_found(self):
        self.put("run", "#!/bin/sh\necho\n", executable=True)
        self.assertEqual(self.lint("shell.py")[0], 0)
        self.put("run", "#!/bin/sh\nif true; then\n", executable=True)
        self.assert_finds("shell.py", "run", "")
        self.put("run", "#!/bin/sh\necho\n")
        os.chmod(os.path.join(self.root, "run"), 0o644)
        self.assert_finds("shell.py", "run", "not executable")

    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
    def test_shellcheck_is_asked(self):
        self.put("run", "#!/bin/sh\nif [[ -n $1 ]]; then echo; fi\n", executable=True)
        self.assert_finds("shell.py", "run:2: ", "SC")


class Missing(TreeTest):
    def without_tools(self, script, *arguments):
        done = subprocess.run([sys.executable, "-B", os.path.join(LINT, script), "--root", self.root, *arguments],
                              env=dict(os.environ, PATH=self.root), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def test_a_tool_that_check_installs_is_a_failure(self):
        for script, *arguments in (["clang_format.py"], ["analyse.py", "cppcheck"]):
            code, said = self.without_tools(script, *arguments)
            self.assertEqual(code, 1)
            self.assertIn("is not installed (Debian: ", said)

    def test_another_tool_is_a_skip(self):
        with self.assertRaises(common.Missing) as caught:
            common.need("no-such-tool")
        self.assertFalse(caught.exception.required)

    def test_another_clang_format_is_a_skip_in_words(self):
        self.put("clang-format", "#!/bin/sh\necho version 19.1.0\n", executable=True)
        code, said = self.without_tools("clang_format.py")
        self.assertEqual(code, common.SKIPPED)
        self.assertIn("clang-format 19 is here, 14 decides: skipped", said)


if __name__ == "__main__":
    unittest.main()
