# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark's scripts: the table written and read back, figures judged, the commit behind the table found."""
import contextlib
import io
import os
import subprocess
import sys
import unittest
from unittest import mock

from support import ROOT, FolderTest

sys.path.insert(0, os.path.join(ROOT, "tests/bench"))

import bench  # noqa: E402  the path comes first
import measure  # noqa: E402
import table  # noqa: E402

VERSIONS = {"compiler": "gcc (Debian 12.2.0-14) 12.2.0", "emulator": "QEMU 7.2"}
FIGURES = {
    "hv3": {"hvc_version": 150, "ack_eoi": 2, "boot": 250000, "copy": 0.219, "linux_syscall": 404,
            "linux_machine_to_init": 1077045300},
    "bare3": {"hvc_version": 1, "ack_eoi": 2, "boot": 7, "linux_syscall": 400, "linux_machine_to_init": 851449596},
}


def compare(now, then):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        return bench.compare(now, then, "the table"), out.getvalue()


class Table(unittest.TestCase):
    def setUp(self):
        self.lines = table.write(VERSIONS, FIGURES)
        self.text = "\n".join(self.lines)

    def test_what_is_written_is_read_back(self):
        versions, figures = table.read(self.text)
        self.assertEqual(versions, VERSIONS)
        self.assertEqual(figures["hv3"], FIGURES["hv3"])
        self.assertEqual(figures["hv2"], {})

    def test_both_interrupt_controllers_are_read_back(self):
        _, figures = table.read("\n".join(table.write(VERSIONS, {**FIGURES, "hv2": {"boot": 5, "linux_fork": 7}})))
        self.assertEqual(figures["hv2"], {"boot": 5, "linux_fork": 7})
        self.assertEqual(figures["hv3"], FIGURES["hv3"])

    def test_what_a_trace_counts_is_read_back(self):
        kinds = {f"sgi_self:{kind}": n for n, kind in enumerate(table.KINDS)}
        figures = {"hv3": {**FIGURES["hv3"], **kinds}, "hv2": {"boot": 5, **{f"boot:{k}": 7 for k in table.KINDS}}}
        _, found = table.read("\n".join(table.write(VERSIONS, figures)))
        self.assertEqual(found, figures)

    def test_what_does_not_run_yet_says_so(self):
        row = next(line for line in self.lines if "`hvc_version`" in line)
        self.assertEqual([cell.strip() for cell in row.split("|")][3:6], ["1", "150", "not yet"])

    def test_linux_stands_beside_bare_with_the_difference(self):
        row = next(line for line in self.lines if "`linux_syscall`" in line)
        self.assertIn("| 400 | 404 | +1.00 % |", row)

    def test_every_row_has_as_many_cells_as_its_head(self):
        heads = [line for line in self.lines if line.startswith(("| event", "| Linux |"))]
        self.assertEqual(len(heads), 2)
        for events, head in zip((table.GUEST_ROWS, table.LINUX_ROWS), heads):
            for event, *_ in events:
                row = next(line for line in self.lines if f"`{event}`" in line)
                self.assertEqual(row.replace("\\|", "").count("|"), head.count("|"), row)

    def test_the_document_has_its_block(self):
        with open(os.path.join(ROOT, "docs/benchmarks.md"), encoding="utf-8") as f:
            versions, figures = table.read(table.block(f.read()))
        self.assertEqual(set(versions), {"compiler", "emulator", "Linux", "busybox"})
        self.assertGreater(figures["hv3"]["hvc_version"], 1)

    def test_a_text_without_the_marks_has_no_block(self):
        self.assertIsNone(table.block("# Benchmarks\n"))


class Compare(unittest.TestCase):
    def test_the_same_figures_pass(self):
        complaints, text = compare({"hv3": {"hvc_version": 150}}, {"hv3": {"hvc_version": 150}, "hv2": {}})
        self.assertEqual(complaints, [])
        self.assertIn("GICv2: not yet", text)

    def test_two_percent_pass_and_more_does_not(self):
        self.assertEqual(compare({"hv3": {"boot": 102}}, {"hv3": {"boot": 100}})[0], [])
        complaints, text = compare({"hv3": {"boot": 103}}, {"hv3": {"boot": 100}})
        self.assertEqual(complaints, ["GICv3: boot: 103, the table 100"])
        self.assertRegex(text, r"boot +103 +100 +\+3\.00 %  WORSE")

    def test_fewer_is_no_failure(self):
        self.assertEqual(compare({"hv3": {"boot": 50}}, {"hv3": {"boot": 100}})[0], [])

    def test_a_figure_that_is_gone_is_one(self):
        complaints, _ = compare({"hv3": {}}, {"hv3": {"boot": 100}})
        self.assertEqual(complaints, ["GICv3: boot is not measured any more"])

    def test_more_barriers_are_a_failure_and_the_same_ones_not_shown(self):
        complaints, text = compare({"hv3": {"sgi_self:isb": 1, "sgi_self:tlbi": 0}},
                                   {"hv3": {"sgi_self:isb": 0, "sgi_self:tlbi": 0}})
        self.assertEqual(complaints, ["GICv3: sgi_self:isb: 1, the table 0"])
        self.assertNotIn("tlbi", text)

    def test_a_controller_that_is_gone_is_one(self):
        complaints, _ = compare({"hv3": {}}, {"hv2": {"boot": 100}})
        self.assertEqual(complaints, ["GICv2: hv does not finish; it did in the table"])


class Console(unittest.TestCase):
    TEXT = "ashlar: x\r\n....bench: pl011_dr 705 700 716\r\nbench: boot 9 9 9\nbench: gic 3\nbench: done\n"

    def test_figures_are_found_behind_other_output(self):
        self.assertEqual(measure.figures_of(self.TEXT), {"pl011_dr": (705, 700, 716), "boot": (9, 9, 9)})

    def test_a_guest_that_did_not_finish_gives_none(self):
        with self.assertRaises(measure.Silent):
            measure.figures_of(self.TEXT.replace("done", ""))

    def test_a_device_tree_must_be_whole(self):
        blob = bytes.fromhex("d00dfeed0000000c00000038")
        lines = f"fdt: {blob[:8].hex()}\nnoise\nfdt: {blob[8:].hex()}\n"
        self.assertEqual(measure.device_tree(lines), blob)
        with self.assertRaises(measure.ToolError):
            measure.device_tree(lines[:lines.index("noise")])


class History(FolderTest):
    def commit(self, text):
        self.put("docs/benchmarks.md", text)
        for command in (["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"]):
            subprocess.run(["git", "-C", self.folder, *command], check=True)
        return subprocess.run(["git", "-C", self.folder, "rev-parse", "HEAD"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()

    def last_change(self):
        with mock.patch.object(measure, "ROOT", self.folder):
            return bench.last_change()

    def test_the_commit_that_last_changed_the_table_is_found_behind_edits_of_the_text(self):
        subprocess.run(["git", "init", "-q", self.folder], check=True)
        block = f"{table.BEGIN}\n%s\n{table.END}\n"
        self.commit("old text\n" + block % "1")
        wanted = self.commit("old text\n" + block % "2")
        self.commit("new text\n" + block % "2")
        self.commit("newer text\n" + block % "2")
        self.assertEqual(self.last_change(), wanted)

    def test_without_history_there_is_none(self):
        self.assertIsNone(self.last_change())


if __name__ == "__main__":
    unittest.main()
