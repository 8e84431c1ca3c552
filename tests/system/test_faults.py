# SPDX-License-Identifier: BSD-2-Clause
"""What a guest must not do stays in that guest: the exception that the architecture prescribes, or a report and the end
of that VM, while another VM's heartbeat goes on (tests/guests/faults, lost)."""
import re
import unittest

from support import SystemTest, vm

HEARTBEAT = vm("heartbeat", 2, "heartbeat.bin", [2], "background;")


class Faults(SystemTest):
    def assert_the_heart_beats(self, ran, beats):
        self.assertGreaterEqual(len(re.findall(r"^\[heartbeat\] beat \d+\s*$", ran[1], re.MULTILINE)), beats)
        self.assert_never_says(r"beat \d+, late", ran)
        self.assert_never_says(r"PANIC", ran)

    def run_faults(self, gic):
        folder = self.folder(vm("faults", 1, "faults.bin", [1]), HEARTBEAT, files=("faults.bin", "heartbeat.bin"))
        ran = self.boot("--bundle", folder, "--gic", gic, "--timeout", "120")
        self.assert_exit(0, ran)
        self.assert_says(r"^\[faults\] FAULTS PASS, \d+ checks", ran)
        self.assert_never_says(r"^\[faults\] (FAIL|guest:)", ran)
        self.assert_says(r"^ashlar: .*write at IPA 0x10000088, where nothing is; pc 0x[0-9a-f]+: external abort", ran)
        self.assert_says(r"^ashlar: .*more such events are not reported", ran)
        self.assert_the_heart_beats(ran, 2)

    def test_faults_on_gicv3(self):
        self.run_faults("3")

    def test_faults_on_gicv2(self):
        self.run_faults("2")

    def run_lost(self, gic):
        folder = self.folder(vm("lost", 1, "lost.bin", [1]), vm("devices", 3, "devices.bin", [3]), HEARTBEAT,
                             files=("lost.bin", "devices.bin", "heartbeat.bin"))
        ran = self.boot("--bundle", folder, "--gic", gic, "--timeout", "120")
        self.assert_exit(3, ran)
        self.assert_says(r"^ashlar: lost: vCPU 0: cannot fetch its own exception vector", ran)
        self.assert_says(r"^ashlar:   esr 8200000\d: instruction abort", ran)
        self.assert_says(r"^ashlar:   translation fault of a fetch, level \d; far 0+400\w{5}, ipa 0+10000200", ran)
        self.assert_says(r"^ashlar:   ipa 10000200 is not mapped: neither RAM nor a device", ran)
        self.assert_says(r"^ashlar:   instruction at elr_el1: 0000beef", ran)
        self.assert_says(r"^ashlar: lost was stopped for a fault", ran)
        self.assert_says(r"^\[devices\] DEVICES PASS", ran)
        self.assert_the_heart_beats(ran, 1)

    def test_a_vm_without_vectors_on_gicv3(self):
        self.run_lost("3")

    def test_a_vm_without_vectors_on_gicv2(self):
        self.run_lost("2")


if __name__ == "__main__":
    unittest.main()
