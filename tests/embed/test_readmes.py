# SPDX-License-Identifier: BSD-2-Clause
"""What each library's README tells a stranger: promise, needs, a short sample, how much it weighs. That the samples are
compiled and run is the unit tests' part (*_readme, unit_stage2_example)."""
import os
import re
import shlex
import subprocess
import unittest

from support import LIBRARIES, ROOT

SIZE = re.compile(r"Size: ([\d.]+) KiB of text, ([\d.]+) KiB of data: `([^`]+)`")
MAIN_ROW = re.compile(r"^\| \[lib(\w+)\]\([^)]*\) \|.*\| ([\d.]+) KiB \|", re.MULTILINE)
SAMPLE_LINES = 32  # about 25, and the includes


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        return f.read()


def is_near(said, bytes_):
    """Within a fifth, or half a KiB: what compilers and small changes make of it."""
    return abs(said - bytes_ / 1024) <= max(0.5, bytes_ / 1024 / 5)


class Readmes(unittest.TestCase):
    def weigh(self, library):
        """(text, data) of the archive by the README's own command; the test is left out where hv is not built."""
        command = shlex.split(SIZE.search(read(f"lib{library}/README.md")).group(3))
        if not os.path.exists(os.path.join(ROOT, command[-1])):
            self.skipTest(f"there is no {command[-1]}: ./check embed builds it")
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        text, data, bss = (int(word) for word in said.strip().splitlines()[-1].split()[:3])
        self.assertEqual(bss, 0, f"lib{library} has writable globals")
        return text, data

    def test_each_says_what_it_promises_and_needs(self):
        for library in (*LIBRARIES, "base"):
            text = read(f"lib{library}/README.md")
            for heading in ("**Promise.**", "**Needs.**"):
                self.assertIn(heading, text, f"lib{library}/README.md")

    def test_each_has_a_short_sample(self):
        for library in (*LIBRARIES, "base"):
            text = read(f"lib{library}/README.md")
            sample = re.search(r"^```c\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
            self.assertIsNotNone(sample, f"lib{library}/README.md has no sample")
            self.assertLessEqual(sample.group(1).count("\n"), SAMPLE_LINES, f"lib{library}/README.md")

    def test_each_says_what_it_weighs_and_that_is_so(self):
        for library in LIBRARIES:
            said = SIZE.search(read(f"lib{library}/README.md"))
            self.assertIsNotNone(said, f"lib{library}/README.md: no \"Size: … KiB of text, … KiB of data: `command`\"")
            text, data = self.weigh(library)
            self.assertTrue(is_near(float(said.group(1)), text),
                            f"lib{library}/README.md: text is {text / 1024:.1f} KiB")
            self.assertTrue(is_near(float(said.group(2)), data),
                            f"lib{library}/README.md: data is {data / 1024:.1f} KiB")

    def test_the_main_table_says_the_same(self):
        rows = dict(MAIN_ROW.findall(read("README.md")))
        self.assertEqual(sorted(rows), sorted(LIBRARIES))
        for library in LIBRARIES:
            text, _ = self.weigh(library)
            self.assertTrue(abs(float(rows[library]) - text / 1024) <= max(1, text / 1024 / 5),
                            f"README.md: lib{library}'s text is {text / 1024:.0f} KiB")


if __name__ == "__main__":
    unittest.main()
