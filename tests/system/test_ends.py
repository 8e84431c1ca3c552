# SPDX-License-Identifier: BSD-2-Clause
"""How a machine can end, and what ./run makes of it: each exit code is provoked."""
import os
import sys
import unittest

from support import ROOT, SystemTest, vm

sys.path.insert(0, os.path.join(ROOT, "hv/tools"))
from ashlar import trace  # noqa: E402


class Ends(SystemTest):
    def test_a_guest_that_cannot_go_on_is_stopped_and_the_others_run_on(self):
        folder = self.folder(vm("bad", 1, "vectorless.bin", [1]), vm("good", 2, "basics.bin", [2, 3]),
                             files=("vectorless.bin", "basics.bin"))
        ran = self.boot("--bundle", folder, "--timeout", "120")
        self.assert_exit(3, ran)
        self.assert_says(r"^ashlar: bad: vCPU 0: cannot fetch its own exception vector", ran)
        self.assert_says(r"^ashlar:   translation fault of a fetch, level \d; far 0+200, ipa 0+200", ran)
        self.assert_says(r"^ashlar: bad was stopped for a fault", ran)
        self.assert_says(r"^\[good\] BASICS PASS", ran)
        self.assert_says(r"^ashlar: exit status=vm-fault vm=bad ", ran)

    def test_what_a_guest_says_about_the_end_is_not_believed(self):
        ran = self.boot("--bundle", self.folder(vm("forger", 1, "forger.bin", [0]), files=("forger.bin",)),
                        "--timeout", "120")
        self.assert_exit(3, ran)

    def test_a_panic_of_hv_is_reported_with_file_and_line(self):
        folder = self.folder(vm("hello", 1, "hello.bin", [0]), files=("hello.bin",))
        ran = self.boot("--bundle", folder, "--timeout", "120", hv_options="ashlar.provoke=data-abort")
        self.assert_exit(4, ran)
        self.assert_says(r"^ashlar: PANIC on CPU 0: synchronous exception at EL2: data abort", ran)
        self.assert_says(r"^ashlar: exit status=panic vm=- ", ran)
        self.assert_says(r"hv_provoke.*provoke\.c:\d+", ran)

    def test_the_last_events_are_in_the_report_of_a_fault_and_of_a_panic(self):
        folder = self.folder(vm("bad", 1, "vectorless.bin", [1]), files=("vectorless.bin",))
        ran = self.boot("--bundle", folder, "--timeout", "60")
        self.assert_exit(3, ran)
        self.assert_says(r"^ashlar:   trace 1 \d+ load 100 0 0", ran)
        self.assert_says(r"^ashlar:   trace 1 \d+ exit 100 8[0-9a-f]{7} 200", ran)
        ran = self.boot("--bundle", folder, "--timeout", "60", hv_options="ashlar.provoke=panic")
        self.assert_exit(4, ran)
        self.assert_says(r"^ashlar: the last events of this CPU:\r*\nashlar:   trace 0 \d+ boot 0 0 0", ran)

    def test_a_warm_reset_leaves_the_last_events(self):
        folder = self.folder(vm("hello", 1, "hello.bin", [0]), files=("hello.bin",))
        ran = self.boot("--bundle", folder, "--timeout", "60", hv_options="ashlar.provoke=reset")
        self.assert_exit(0, ran)
        self.assert_says(r"^ashlar: the last events before the reset:\r*\nashlar: trace 0 \d+ boot 0 0 0\r*\n"
                         r"ashlar: trace 0 \d+ panic 0 ab 0", ran)
        self.assert_says(r"^hello from EL1", ran)

    def test_a_machine_shows_what_its_cpus_did(self):
        folder = self.folder(vm("one", 1, "basics.bin", [0, 1]), vm("two", 2, "hello.bin", [2]),
                             files=("basics.bin", "hello.bin"))
        ran = self.boot("--bundle", folder, "--timeout", "60", hv_options="ashlar.trace")
        self.assert_exit(0, ran)
        found = trace.Trace(ran[1].splitlines())
        self.assertEqual({0: "one", 1: "two"}, found.names)
        self.assertEqual({(0, 0), (0, 1), (1, 0)}, {part.who for part in found.slices()})
        instants = {event["name"] for event in trace.to_json(found)["traceEvents"] if event["ph"] == "i"}
        self.assertLessEqual({"HVC", "one off", "two off"}, instants)

    def test_a_stack_overflow_of_hv_is_reported_from_another_stack(self):
        folder = self.folder(vm("hello", 1, "hello.bin", [0]), files=("hello.bin",))
        ran = self.boot("--bundle", folder, "--timeout", "120", hv_options="ashlar.provoke=stack-overflow")
        self.assert_exit(4, ran)
        self.assert_says(r"in a guard page: stack overflow", ran)
        self.assert_says(r"recurse.*provoke\.c:\d+", ran)

    def test_other_ways_to_panic(self):
        folder = self.folder(vm("hello", 1, "hello.bin", [0]), files=("hello.bin",))
        for what, pattern in (("panic", "PANIC on CPU 0: provoked"), ("undefined", "PANIC on CPU 0: synchronous"),
                              ("serror", "PANIC on CPU 0: SError")):
            with self.subTest(what=what):
                ran = self.boot("--bundle", folder, "--timeout", "120", hv_options=f"ashlar.provoke={what}")
                self.assert_exit(4, ran)
                self.assert_says(pattern, ran)

    def test_a_machine_that_never_ends_runs_out_of_time(self):
        folder = self.folder(vm("heartbeat", 1, "heartbeat.bin", [0]), files=("heartbeat.bin",))
        ran = self.boot("--bundle", folder, "--timeout", "8")
        self.assert_exit(124, ran)
        self.assert_says(r"^beat 2", ran)


class Mistakes(SystemTest):
    def test_a_vm_that_wants_a_cpu_that_is_not_there_is_refused_and_the_others_start(self):
        folder = self.folder(vm("first", 1, "hello.bin", [1]), vm("second", 2, "hello.bin", [4]), files=("hello.bin",))
        ran = self.boot("--bundle", folder, "--timeout", "60")
        self.assert_exit(3, ran)
        self.assert_says(r"^ashlar: .*VM second: .*vcpu_affinity = <4>.*allowed:", ran)
        self.assert_says(r"hello from EL1", ran)

    def test_no_number_of_vms_is_too_many_for_one_cpu(self):
        folder = self.folder(*(vm(f"vm{n}", n, "hello.bin", [0]) for n in range(16)), files=("hello.bin",))
        ran = self.boot("--bundle", folder, "--cpus", "1", "--timeout", "60")
        self.assert_exit(0, ran)
        for n in range(16):
            self.assert_says(rf"^\[vm{n}\] hello from EL1", ran)

    def test_a_vm_that_does_not_fit_is_told_the_largest_free_range(self):
        big = vm("big", 1, "hello.bin", [0]).replace("0x0 0x200000", "0x1 0x0")
        folder = self.folder(big, vm("small", 2, "hello.bin", [1]), files=("hello.bin",))
        ran = self.boot("--bundle", folder, "--timeout", "60", "--memory", "1G")
        self.assert_exit(3, ran)
        self.assert_says(r"^ashlar: .*VM big: .*memory = .*largest free range", ran)
        self.assert_says(r"hello from EL1", ran)

    def test_an_unknown_property_is_named_with_what_is_allowed(self):
        folder = self.folder(vm("typo", 1, "hello.bin", [0], "vcpu = <2>;"), vm("fine", 2, "hello.bin", [1]),
                             files=("hello.bin",))
        ran = self.boot("--bundle", folder, "--timeout", "60")
        self.assert_exit(3, ran)
        self.assert_says(r"^ashlar: .*VM typo: /vms/typo: vcpu = <0x2>|vcpu = <2>", ran)
        self.assert_says(r"hello from EL1", ran)

    def test_the_demo_on_too_few_cpus_says_which_vm_wants_which(self):
        ran = self.boot("--cpus", "1")
        self.assert_exit(3, ran)
        for name in ("linux", "linux2", "metronome"):
            self.assert_says(rf"^ashlar: .*VM {name}: .*vcpu_affinity", ran)

    def test_without_a_bundle_hv_says_what_is_missing(self):
        import tempfile
        with tempfile.NamedTemporaryFile(suffix=".cpio") as bundle:
            bundle.write(b"not an archive\n" * 9)
            bundle.flush()
            ran = self.boot("--bundle", bundle.name, "--timeout", "60")
        self.assert_exit(3, ran)
        self.assert_says(r"^ashlar: bundle: .*allowed:", ran)


if __name__ == "__main__":
    unittest.main()
