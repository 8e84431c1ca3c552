# SPDX-License-Identifier: BSD-2-Clause
"""hv's own calls (docs/hypercalls.md) by a manager and by a guest that is none, on both GICs."""
import unittest

from support import SystemTest, vm


class Hypercalls(SystemTest):
    def by_the_manager(self, gic, cpus):
        folder = self.folder(vm("manager", 1, "hypercalls.bin", [0], "manager;"),
                             vm("other", 2, "heartbeat.bin", [cpus - 1], "background;"),
                             files=("hypercalls.bin", "heartbeat.bin"))
        ran = self.boot("--bundle", folder, "--gic", gic, "--cpus", str(cpus), "--timeout", "120")
        self.assert_exit(0, ran)
        self.assert_says(r"^\[manager\] MANAGER PASS, \d+ checks", ran)
        self.assert_says(r"^\[manager\] written by a hypercall", ran)
        for what in ("is paused", "was turned off", "is destroyed", "is created"):
            self.assert_says(f"^ashlar: other {what}", ran)
        self.assert_never_says(r"FAIL|guest:", ran)

    def test_the_manager_on_gicv3(self):
        self.by_the_manager("3", 2)

    def test_the_manager_on_gicv2(self):
        self.by_the_manager("2", 2)

    def test_the_manager_and_the_other_on_one_cpu(self):
        self.by_the_manager("3", 1)

    def test_any_other_guest_may_not_command(self):
        folder = self.folder(vm("manager", 1, "hello.bin", [0], "manager;"), vm("one", 2, "hypercalls.bin", [1]),
                             files=("hello.bin", "hypercalls.bin"))
        ran = self.boot("--bundle", folder, "--timeout", "60")
        self.assert_exit(0, ran)
        self.assert_says(r"^\[one\] GUEST PASS, \d+ checks", ran)
        self.assert_never_says(r"FAIL|guest:", ran)

    def test_there_is_one_manager(self):
        folder = self.folder(vm("first", 1, "hello.bin", [0], "manager;"),
                             vm("second", 2, "hello.bin", [1], "manager;"), files=("hello.bin",))
        ran = self.boot("--bundle", folder, "--timeout", "60")
        self.assert_exit(3, ran)
        self.assert_says(r"VM second: .*manager: another VM is the manager already; allowed: one VM", ran)
        self.assert_says(r"hello from EL1", ran)


if __name__ == "__main__":
    unittest.main()
