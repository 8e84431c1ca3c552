# SPDX-License-Identifier: BSD-2-Clause
"""Our own EL1 programs (tests/guests), which check what a guest may rely on and try what it may not."""
import unittest

from support import IN_SOFTWARE, SystemTest, vm


class Guests(SystemTest):
    def basics_on_two_vcpus_next_to_the_boot_cpu(self, gic, hv_options=""):
        # The emulated board has no EL3: what may go there has to come back, and not to harm hv.
        basics = vm("basics", 1, "basics.bin", [0, 1], "smc-allow = <0x82000001 0xc2000001>;")
        ran = self.boot("--bundle", self.folder(basics, files=("basics.bin",)), "--gic", gic, "--timeout", "120",
                        hv_options=hv_options)
        self.assert_exit(0, ran)
        self.assert_says(r"^BASICS PASS", ran)
        self.assert_never_says(r"^FAIL", ran)

    def test_basics_on_gicv3(self):
        self.basics_on_two_vcpus_next_to_the_boot_cpu("3")

    def test_basics_with_a_gic_in_software(self):
        self.basics_on_two_vcpus_next_to_the_boot_cpu("3", IN_SOFTWARE)

    def test_basics_on_gicv2(self):
        self.basics_on_two_vcpus_next_to_the_boot_cpu("2")

    def test_basics_twice_at_once_on_different_cpus(self):
        folder = self.folder(vm("left", 1, "basics.bin", [0, 1]), vm("right", 2, "basics.bin", [3, 2]),
                             files=("basics.bin",))
        ran = self.boot("--bundle", folder, "--timeout", "120")
        self.assert_exit(0, ran)
        self.assert_says(r"^\[left\] BASICS PASS", ran)
        self.assert_says(r"^\[right\] BASICS PASS", ran)
        self.assert_never_says(r"\] FAIL", ran)

    def test_the_smallest_guest_on_the_smallest_machine(self):
        ran = self.boot("--bundle", self.folder(vm("hello", 1, "hello.bin", [0]), files=("hello.bin",)),
                        "--cpus", "1", "--memory", "64M", "--timeout", "60")
        self.assert_exit(0, ran)
        self.assert_says(r"^hello from EL1, device tree at 0x0000000040100000", ran)

    def test_a_reset_begins_from_the_pristine_image(self):
        ran = self.boot("--bundle", self.folder(vm("resetter", 1, "resetter.bin", [1]), files=("resetter.bin",)),
                        "--timeout", "120")
        self.assert_exit(0, ran)
        for life in range(4):
            self.assert_says(rf"^life {life}: pristine", ran)
        self.assert_never_says(r"NOT pristine|returned", ran)

    def test_eight_vms_on_as_many_cpus(self):
        ran = self.boot("--bundle", self.folder(*(vm(f"vm{n}", n, "hello.bin", [n]) for n in range(8)),
                                                files=("hello.bin",)), "--cpus", "8", "--timeout", "120")
        self.assert_exit(0, ran)
        for n in range(8):
            self.assert_says(rf"^\[vm{n}\] hello from EL1", ran)

    def test_as_many_vms_as_there_may_be_each_with_as_many_vcpus(self):
        for gic in ("3", "2"):
            with self.subTest(gic=gic):
                # More CPUs than a small host has: one of the emulator's that waits for its turn holds nobody else up.
                crowd = [vm(f"vm{n}", n, "crowd.bin", [(n + k) % 8 for k in range(8)], "time-slice-us = <10000>;")
                         for n in range(16)]
                ran = self.boot("--bundle", self.folder(*crowd, files=("crowd.bin",)), "--gic", gic, "--cpus", "8",
                                "--timeout", "200")
                self.assert_exit(0, ran)
                for n in range(16):
                    self.assert_says(rf"^\[vm{n}\] 8 vCPUs are here, and listen", ran)


if __name__ == "__main__":
    unittest.main()
