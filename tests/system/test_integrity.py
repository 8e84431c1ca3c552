# SPDX-License-Identifier: BSD-2-Clause
"""Registers and memory of two vCPUs under timers, SGIs and bursts of console input, while another VM resets again and
again (tests/guests/integrity). ASHLAR_INTEGRITY_S: for so many seconds instead of a few."""
import os
import random
import time
import unittest

from support import SystemTest, Terminal, tail, vm

SECONDS = int(os.environ.get("ASHLAR_INTEGRITY_S", "8"))


def sequence(n):
    """The byte that the guest expects, as in tests/guests/integrity/main.c."""
    return chr(0x21 + (n * 7 + n // 64) % 90)


class Integrity(SystemTest):
    def bursts(self, terminal, seed):
        """Bursts of 1 to 300 bytes until the time is over; how many bytes it was."""
        choose = random.Random(seed)
        until = time.monotonic() + SECONDS
        sent = 0
        while time.monotonic() < until:
            size = choose.choice((1, 2, 17, 33, 64, 300))
            terminal.type("".join(sequence(sent + n) for n in range(size)))
            sent += size
            pause = time.monotonic() + choose.choice((0.001, 0.02, 0.1))
            while time.monotonic() < pause:
                terminal.read(0.01)
        return sent

    def run_on(self, *options):
        folder = self.folder(vm("integrity", 1, "integrity.bin", [0, 1], memory="0x0 0x1000000"),
                             vm("restless", 2, "restless.bin", [2]), files=("integrity.bin", "restless.bin"))
        terminal = Terminal("--bundle", folder, *options)
        self.addCleanup(terminal.close)
        terminal.expect(r"\[integrity\] ready")
        sent = self.bursts(terminal, 1)
        terminal.type("~")
        terminal.expect(r"INTEGRITY (PASS|FAIL)", limit_s=60 + 5 * SECONDS)  # it reads slower than we type
        self.assertNotIn("FAIL", terminal.text, tail(terminal.text))
        self.assertIn(f"received {sent} bytes", terminal.text)
        self.assertIn("[restless] again", terminal.text)
        terminal.type("\x01x")
        self.assertEqual(0, terminal.wait())

    def test_nothing_changes_on_gicv3(self):
        self.run_on("--gic", "3")

    def test_nothing_changes_on_gicv2(self):
        self.run_on("--gic", "2")


if __name__ == "__main__":
    unittest.main()
