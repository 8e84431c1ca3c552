# SPDX-License-Identifier: BSD-2-Clause
"""Our EL1 programs that check one topic each by its manual (tests/guests), on both GICs and with one in software."""
import unittest

from support import IN_SOFTWARE, SystemTest, vm

# Which vCPUs a topic wants, as CPUs of the board.
TOPICS = {
    "copies": (1,),
    "devices": (1,),
    "gic": (0, 1, 2, 3),
    "gicregs": (0, 1),
    "mmio": (1,),
    "psci": (0, 1, 2, 3),
    "timers": (0, 1, 2, 3),
}


class Topics(SystemTest):
    def check(self, name, cpus, gic, hv_options=""):
        ran = self.boot("--bundle", self.folder(vm(name, 1, f"{name}.bin", cpus), files=(f"{name}.bin",)),
                        "--gic", gic, "--timeout", "120", hv_options=hv_options)
        self.assert_exit(0, ran)
        self.assert_says(rf"^{name.upper()} PASS, \d+ checks", ran)
        self.assert_never_says(r"^FAIL|^guest:", ran)


def add(name, cpus, gic):
    setattr(Topics, f"test_{name}_on_gicv{gic}", lambda self: self.check(name, cpus, gic))


def add_in_software(name, cpus, gic):
    setattr(Topics, f"test_{name}_in_software_on_gicv{gic}", lambda self: self.check(name, cpus, gic, IN_SOFTWARE))


for topic, wanted in TOPICS.items():
    add(topic, wanted, "2")
    add(topic, wanted, "3")
    add_in_software(topic, wanted, "3")
for topic in ("gic", "timers"):
    add_in_software(topic, TOPICS[topic], "2")


if __name__ == "__main__":
    unittest.main()
