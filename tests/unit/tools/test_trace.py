# SPDX-License-Identifier: BSD-2-Clause
import json
import os
import subprocess
import unittest
import xml.etree.ElementTree

from support import TOOLS, FolderTest
from ashlar import trace
from ashlar.common import ToolError

DUMP = """\
ashlar: Ashlar 0.1.0
ashlar: trace vm 0 linux
ashlar: trace vm 1 <odd>
ashlar: trace 0 1000 load 100 0 0
ashlar: trace 0 2000 exit 100 5a000000 84000000
ashlar: trace 0 3000 wait 100 0 0
ashlar: trace 0 5000 put 100 1 0
ashlar: trace 0 5500 load 200 0 0
[linux] something else
ashlar: trace 0 7000 interrupt 200 1b 0
ashlar: trace 1 1500 exit 101 93810006 40080000
ashlar: trace 1 9000 state 101 104 0
"""


class Trace(FolderTest):
    def setUp(self):
        super().setUp()
        self.trace = trace.Trace(DUMP.splitlines())

    def test_what_ran_is_from_load_to_put(self):
        runs = [part for part in self.trace.slices() if part.what == "runs"]
        self.assertIn(trace.Slice(0, 1000, 5000, (0, 0), "runs"), runs)

    def test_what_was_loaded_before_the_first_event_or_after_the_last_is_cut_there(self):
        runs = [part for part in self.trace.slices() if part.what == "runs"]
        self.assertIn(trace.Slice(0, 5500, 9000, (1, 0), "runs"), runs)
        self.assertIn(trace.Slice(1, 1500, 9000, (0, 1), "runs"), runs)
        self.assertEqual(len(runs), 3)

    def test_a_wait_that_ends_with_a_put_is_a_wait(self):
        waits = [part for part in self.trace.slices() if part.what == "waits"]
        self.assertEqual(waits, [trace.Slice(0, 3000, 5000, (0, 0), "waits")])

    def test_a_lost_load_is_seen_by_who_is_there(self):
        lost = trace.Trace(["trace 0 1 exit 100 0 0", "trace 0 5 exit 200 0 0", "trace 0 9 exit 200 0 0"])
        self.assertEqual(lost.slices(), [trace.Slice(0, 1, 5, (0, 0), "runs"), trace.Slice(0, 5, 9, (1, 0), "runs")])

    def test_of_a_long_one_the_end_will_do(self):
        end = trace.Trace(DUMP.splitlines(), 0.003)
        self.assertEqual([event.ns for event in end.events], [7000, 9000])

    def test_the_json_has_tracks_slices_and_instants(self):
        events = trace.to_json(self.trace)["traceEvents"]
        self.assertIn({"ph": "M", "name": "process_name", "pid": 1, "args": {"name": "VM linux"}}, events)
        self.assertIn({"ph": "X", "ts": 1.0, "dur": 4.0, "name": "linux.0", "pid": 0, "tid": 0}, events)
        self.assertIn({"ph": "X", "ts": 1.0, "dur": 4.0, "name": "CPU 0", "pid": 1, "tid": 0}, events)
        names = [event["name"] for event in events if event["ph"] == "i"]
        self.assertEqual(names, ["data abort", "HVC", "interrupt 27", "<odd> running"])

    def test_the_picture_is_well_formed_and_has_a_lane_a_cpu(self):
        root = xml.etree.ElementTree.fromstring(trace.to_svg(self.trace))
        texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
        for text in ("CPU 0", "CPU 1", "linux", "<odd>"):
            self.assertIn(text, texts)

    def test_a_text_without_events_is_refused(self):
        with self.assertRaisesRegex(ToolError, "no event"):
            trace.Trace(["ashlar: trace vm 0 linux", "trace 0 x load 0 0 0"])

    def test_a_dump_that_is_cut_or_garbled_is_shown_as_far_as_it_goes(self):
        for text in ("trace 0 1 wait 0 0 0", "trace 0 1 wait 0 0 0\ntrace 0 2 wake 0 0 0",
                     "trace 0 1 load 101 0 0\ntrace 0 2 wait 0 0 0\ntrace 0 3 put 0 0 0", "trace 0 1 put 101 0 0",
                     "trace 0 1 load 101 0 0\ntrace 0 2 wait 101 0 0\ntrace 0 3 load 201 0 0"):
            with self.subTest(text=text):
                found = trace.Trace(text.splitlines())
                self.assertIn("traceEvents", trace.to_json(found))
                xml.etree.ElementTree.fromstring(trace.to_svg(found))

    def test_the_end_of_it_is_a_time_above_0(self):
        path = self.put("dump", DUMP)
        for last in ("0", "-5", "nan", "inf", "x"):
            done = subprocess.run([os.path.join(TOOLS, "trace2perfetto"), path, "--last", last], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(2, done.returncode, last)
            self.assertIn("is not a number of milliseconds above 0", done.stderr)

    def test_the_tool_writes_both(self):
        text = self.put("console.log", DUMP)
        tool = os.path.join(TOOLS, "trace2perfetto")
        subprocess.run([tool, text, "-o", self.path("out.json")], check=True)
        self.assertIn("traceEvents", json.loads(self.get("out.json")))
        subprocess.run([tool, text, "--svg", self.path("out.svg")], check=True)
        self.assertIn("<svg", self.get("out.svg"))
        bad = subprocess.run([tool, self.path("none")], capture_output=True, text=True, check=False)
        self.assertNotEqual(bad.returncode, 0)
        self.assertNotIn("Traceback", bad.stderr)


if __name__ == "__main__":
    unittest.main()
