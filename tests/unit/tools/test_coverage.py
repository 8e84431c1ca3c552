# SPDX-License-Identifier: BSD-2-Clause
"""The coverage gate's judgement."""
import os
import sys
import unittest

from support import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests/coverage"))
import gate  # noqa: E402  pylint: disable=wrong-import-position,import-error


def entry(name, lines, branches):
    return {"filename": name, "line_covered": lines[0], "line_total": lines[1], "branch_covered": branches[0],
            "branch_total": branches[1]}


class Gate(unittest.TestCase):
    def test_enough_passes(self):
        table, good = gate.judge(gate.by_library([entry("libx/src/a.c", (95, 100), (90, 100))]), ["libx"])
        self.assertTrue(good, table)

    def test_too_few_lines_fail(self):
        table, good = gate.judge(gate.by_library([entry("libx/src/a.c", (949, 1000), (100, 100))]), ["libx"])
        self.assertFalse(good)
        self.assertIn("below the gate", table)

    def test_too_few_branches_fail(self):
        self.assertFalse(gate.judge(gate.by_library([entry("libx/src/a.c", (9, 9), (89, 100))]), ["libx"])[1])

    def test_one_library_does_not_make_up_for_another(self):
        files = [entry("libx/src/a.c", (1000, 1000), (1000, 1000)), entry("liby/src/a.c", (1, 10), (1, 10))]
        self.assertFalse(gate.judge(gate.by_library(files), ["libx", "liby"])[1])

    def test_a_library_without_a_test_fails(self):
        table, good = gate.judge(gate.by_library([entry("libx/src/a.c", (9, 9), (9, 9))]), ["libx", "liby"])
        self.assertFalse(good)
        self.assertIn("liby", table)

    def test_what_runs_on_the_machine_only_is_not_counted(self):
        sums = gate.by_library([entry("libx/src/a.c", (9, 9), (9, 9)), entry("libx/src/aarch64/a.c", (0, 9), (0, 9)),
                                entry("libx/include/libx/a.h", (0, 9), (0, 9)), entry("hv/core/a.c", (0, 9), (0, 9))])
        self.assertEqual(sums, {"libx": [9, 9, 9, 9]})

    def test_a_header_only_library_is_counted_by_its_headers(self):
        self.assertEqual(gate.by_library([entry("libbase/include/libbase/a.h", (1, 9), (2, 8))]),
                         {"libbase": [1, 9, 2, 8]})

    def test_every_library_of_the_tree_is_expected(self):
        self.assertIn("libbase", gate.libraries_of(ROOT))
        self.assertIn("libvirtio", gate.libraries_of(ROOT))


if __name__ == "__main__":
    unittest.main()
