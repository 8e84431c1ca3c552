# SPDX-License-Identifier: BSD-2-Clause
"""VMs that come and go on a machine under QEMU, by hv's shell, beside one that stays."""
import os
import re
import time
import unittest

from support import SystemTest, Terminal, vm

PROMPT = r"ashlar> (?:\x1b\[K)?"
CYCLES = int(os.environ.get("ASHLAR_CYCLES", "200"))


class Life(SystemTest):
    machine = ("--cpus", "2", "--memory", "1G")
    cycles = CYCLES

    def ask(self, command):
        """A command of hv's shell; its answer."""
        self.terminal.type(command + "\r")
        self.terminal.expect(re.escape(command) + r"\r+\n", 30)
        return self.terminal.expect(r"(?s)(.*?)\n\r?" + PROMPT, 30).group(1)

    def until(self, state):
        """hv's own lines come in between, and the prompt behind them again: ask until it is said."""
        deadline = time.monotonic() + 30
        while not re.search(rf'"state": "{state}"', self.ask("vm show comer --json")):
            self.assertLess(time.monotonic(), deadline, f"it does not get to be {state}")

    def memory(self):
        """Who owns what of it, and the page pool."""
        ranges = [line.strip() for line in self.ask("mem --json").splitlines() if '"owner"' in line]
        pool = [line.strip() for line in self.ask("mem pool --json").splitlines() if line.strip()[:1] in "{["]
        self.assertTrue(ranges)
        return ranges, pool

    def test_two_hundred_lives_leave_everything_as_it_was(self):
        folder = self.folder(vm("stays", 1, "heartbeat.bin", [0]),
                             vm("comer", 2, "heartbeat.bin", [1], 'autostart = "no";'), files=("heartbeat.bin",))
        self.terminal = Terminal(*self.machine, "--bundle", folder)
        self.addCleanup(self.terminal.close)
        self.terminal.expect(r"ashlar: VM 2 comer")
        self.terminal.type("\x1d0")
        self.terminal.expect(PROMPT)
        with_it = self.memory()
        self.ask("vm destroy comer")
        self.until("absent")
        without = self.memory()
        self.assertNotEqual(with_it, without)
        for _ in range(self.cycles):
            for command, state in (("create", "off"), ("start", "running"), ("destroy", "absent")):
                self.ask(f"vm {command} comer")
                self.until(state)
        self.assertEqual(without, self.memory())
        self.ask("vm create comer")
        self.until("off")
        self.assertEqual(with_it, self.memory())
        self.assertNotIn("PANIC", self.terminal.text)

    def test_lives_of_a_raspberry_pi_leave_everything_as_it_was(self):
        pi = vm("comer", 2, "pi_echo.bin", [1], 'autostart = "no"; machine = "bcm2837";', memory="0x0 0x1000000")
        folder = self.folder(vm("stays", 1, "heartbeat.bin", [0]), pi, files=("heartbeat.bin", "pi_echo.bin"))
        self.terminal = Terminal("--cpus", "2", "--memory", "1G", "--bundle", folder)
        self.addCleanup(self.terminal.close)
        self.terminal.expect(r"ashlar: VM 2 comer")
        self.terminal.type("\x1d0")
        self.terminal.expect(PROMPT)
        before = self.memory()
        for _ in range(5):
            for command, state in (("start", "running"), ("pause", "paused"), ("resume", "running"),
                                   ("off", "off"), ("start", "running"),
                                   ("destroy", "absent"), ("create", "off")):
                self.ask(f"vm {command} comer")
                self.until(state)
        self.assertEqual(before, self.memory())
        self.ask("vm start comer")
        self.until("running")
        self.terminal.type("\x1d2")
        self.terminal.expect("echo: type, q ends")
        self.terminal.type("ashlar q")
        self.terminal.expect("ashlar q")
        self.assertNotIn("PANIC", self.terminal.text)


if __name__ == "__main__":
    unittest.main()
