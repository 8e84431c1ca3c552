# SPDX-License-Identifier: BSD-2-Clause
"""What the lint tests' own tests share: a small tree made for the occasion."""
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

LINT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, LINT)
sys.dont_write_bytecode = True
SPDX = "SPDX-License-Identifier: BSD-2-Clause"


class TreeTest(unittest.TestCase):
    """A test with an empty tree of its own, self.root; it is no git repository, so every file counts."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="ashlar-lint-")
        self.addCleanup(holder.cleanup)
        self.root = holder.name

    def put(self, name, text="", executable=False):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        if executable:
            os.chmod(path, 0o755)
        return path

    def lint(self, script, *arguments):
        """(exit code, what it printed, line by line)"""
        done = subprocess.run([sys.executable, "-B", os.path.join(LINT, script), "--root", self.root, *arguments],
                              capture_output=True, text=True, check=False)
        self.assertNotIn("Traceback", done.stderr)
        return done.returncode, done.stdout.splitlines()

    def assert_clean(self, script, *arguments):
        code, said = self.lint(script, *arguments)
        self.assertEqual((code, said), (0, []))

    def assert_finds(self, script, where, reason, *arguments):
        """The script fails, with a line that begins with `where` and holds `reason`."""
        code, said = self.lint(script, *arguments)
        self.assertEqual(code, 1, said)
        self.assertTrue(any(line.startswith(where) and reason in line for line in said),
                        f"no \"{where} … {reason}\" in: {said}")
