# SPDX-License-Identifier: BSD-2-Clause
"""The console and hv's shell, as a user types at them."""
import hashlib
import json
import os
import re
import sys
import unittest

from support import ROOT, SystemTest, Terminal, vm

sys.path.insert(0, os.path.join(ROOT, "hv/tools"))
from ashlar import build  # noqa: E402

LINUX = 'ramdisk = "initramfs.cpio"; bootargs = "console=ttyAMA0";'
GUEST_PROMPT = r"/root # "
PROMPT = r"ashlar> (?:\x1b\[K)?"
FLOOD = 2000


def plain(text):
    return re.sub(r"\r+\n", "\n", text)


class Console(SystemTest):
    def machine(self, folder, *options):
        terminal = Terminal("--cpus", "2", "--memory", "1G", "--bundle", folder, *options)
        self.addCleanup(terminal.close)
        return terminal

    def linux_folder(self, *more, head=""):
        demo = build.demo_folder(ROOT, "qemu-virt", os.path.join(ROOT, "build/qemu-virt"))
        folder = self.folder(head, vm("linux", 1, "Image", [0], LINUX, memory="0x0 0x10000000"),
                             vm("heart", 2, "heartbeat.bin", [1], "background;"), *more, files=("heartbeat.bin",))
        for name in ("Image", "initramfs.cpio"):
            os.symlink(os.path.realpath(os.path.join(demo, name)), os.path.join(folder, name))
        return folder

    def ask(self, terminal, command):
        """A command of hv's shell; its answer."""
        terminal.type(command + "\r")
        terminal.expect(re.escape(command) + r"\r+\n", 30)
        answer = terminal.expect(r"(?s)(.*?)\n\r?" + PROMPT, 30)
        return plain(answer.group(1))

    def test_a_debian_that_is_told_to_shut_down_does_so_by_itself(self):
        terminal = self.machine(self.linux_folder())
        terminal.expect(r"\[linux\] .*" + GUEST_PROMPT)
        self.assertNotIn("cannot load", terminal.text)
        terminal.type("\x1d0")
        terminal.expect(PROMPT)
        terminal.type("vm shutdown linux\r")
        terminal.expect(r"ashlar: linux (is off|was turned off)", 30)
        self.assertNotIn("did not shut down", terminal.text)

    def test_a_user_lists_pauses_resumes_and_restarts_a_debian(self):
        terminal = self.machine(self.linux_folder())
        terminal.expect(r"\[linux\] .*" + GUEST_PROMPT)
        terminal.type("\x1d0")
        terminal.expect(PROMPT)
        self.assertRegex(self.ask(terminal, "vm list"), r"(?m)^ 1  linux +running +1 +256  0$")
        self.assertIn('"asked": "pause"', self.ask(terminal, "vm pause linux --json"))
        while json.loads(self.ask(terminal, "vm show linux --json"))["state"] == "pausing":
            pass
        self.assertEqual("paused", json.loads(self.ask(terminal, "vm show linux --json"))["state"])
        self.assertIn("refused", self.ask(terminal, "vm pause linux"))
        self.ask(terminal, "vm resume linux")
        terminal.type("vm att\tli\t\r")
        terminal.expect("console: VM 1, linux")
        terminal.type("echo $((6 * 7)) again\r")
        terminal.expect(r"\n42 again")
        terminal.type("\x1d0")
        terminal.expect(r"ashlar: console: hv's shell")
        self.ask(terminal, "vm restart linux")
        terminal.expect(r"ashlar: linux .*")
        terminal.type("\x1d1")
        terminal.expect(r"Booting Linux on physical CPU")
        terminal.expect(GUEST_PROMPT)
        terminal.type("poweroff -f\r")
        terminal.expect(r"ashlar: exit status=ok ")
        self.assertEqual(0, terminal.wait())

    def test_each_answer_in_json_parses(self):
        terminal = self.machine(self.folder(vm("heart", 1, "heartbeat.bin", [1]), files=("heartbeat.bin",)))
        terminal.expect(r"beat 1\r")
        terminal.type("\x1d0")
        terminal.expect(PROMPT)
        commands = [row["command"] for row in json.loads(self.ask(terminal, "help --json"))]
        self.assertIn("vm list", commands)
        for command in ("vm list", "vm show heart", "stats", "stats heart", "irq", "mem", "mem pool", "cpu",
                        "log level", "version", "trace dump", "help vm", "vm pause heart", "vm resume nobody", "vm",
                        "no such"):
            answer = json.loads(self.ask(terminal, command + " --json"))
            self.assertTrue(answer, command)
            self.assertEqual("error" in answer, command in ("vm resume nobody", "vm", "no such"), command)
        mem = json.loads(self.ask(terminal, "mem --json"))
        self.assertIn({"owner": "vm", "vm": "heart"}, [{k: row[k] for k in ("owner", "vm")} for row in mem])
        terminal.type("\x01x")
        self.assertEqual(0, terminal.wait())

    def test_an_answer_in_json_is_whole_whatever_hv_has_to_say(self):
        folder = self.folder(vm("heart", 1, "heartbeat.bin", [0]),
                             *(vm(f"again{n}", 2 + n, "hello.bin", [1],
                                  'on-poweroff = "restart"; restart-limit = <16 1>;') for n in range(3)),
                             files=("heartbeat.bin", "hello.bin"))
        terminal = self.machine(folder)
        terminal.expect(r"again\d is off")
        terminal.type("\x1d0")
        terminal.expect(PROMPT)
        for name in ("again0", "again1", "again2"):
            self.ask(terminal, f"vm start {name}")
        mark = len(terminal.text)
        for _ in range(8):
            for command in ("vm list", "stats", "trace dump"):
                json.loads(self.ask(terminal, command + " --json"))
            for name in ("again0", "again1", "again2"):  # it was restarted as often as it may be
                terminal.type(f"vm start {name}\r")
                terminal.expect(PROMPT, 30)
        self.assertRegex(terminal.text[mark:], r"ashlar: again\d is off")
        terminal.type("\x01x")
        self.assertEqual(0, terminal.wait())

    def test_what_was_missed_is_replayed_on_attach(self):
        terminal = self.machine(self.folder(vm("heart", 1, "heartbeat.bin", [0]), vm("flood", 2, "flood.bin", [1]),
                                            files=("heartbeat.bin", "flood.bin")))
        terminal.expect("Ctrl-a x leaves")
        terminal.expect(r"ashlar: bundle")
        terminal.type("\x1d1")  # most of the flood is still to come
        terminal.expect(r"console: VM 1, heart")
        terminal.expect(r"ashlar: flood is off")
        terminal.expect(r"\nbeat \d+")
        self.assertNotIn("FLOOD PASS", terminal.text)
        terminal.type("\x1d2")
        terminal.expect(r"console: VM 2, flood")
        mark = len(terminal.text)
        count = int(terminal.expect(r"FLOOD PASS, lines: (\d+)").group(1))
        numbers = [int(n) for n in re.findall(r"\nline (\d+) of a flood\.\r", terminal.text[mark:])]
        self.assertEqual(list(range(numbers[0], count)), numbers)
        self.assertGreater(len(numbers), 1000)
        terminal.type("\x01x")
        self.assertEqual(0, terminal.wait())

    def test_of_two_floods_nothing_is_lost_and_a_third_vm_misses_no_beat(self):
        folder = self.folder(vm("heart", 1, "heartbeat.bin", [0], "priority = <200>; background;"),
                             vm("left", 2, "flood.bin", [0]), vm("right", 3, "flood.bin", [1]),
                             files=("heartbeat.bin", "flood.bin"))
        ran = self.boot("--cpus", "2", "--bundle", folder, "--timeout", "120")
        self.assert_exit(0, ran)
        for name in ("left", "right"):
            numbers = [int(n) for n in re.findall(rf"(?m)^\[{name}\] line (\d+) of a flood\.\r*$", ran[1])]
            self.assertGreaterEqual(len(numbers), FLOOD)
            self.assertEqual(list(range(len(numbers))), numbers, name)
            self.assert_says(rf"^\[{name}\] FLOOD PASS, lines: {len(numbers)}\r*$", ran)
        # It has the keyboard: a line that it is in the middle of is drawn again behind another one's.
        beats = sorted({int(n) for n in re.findall(r"(?m)^\[heart\] beat (\d+)\r*$", ran[1])})
        self.assertGreaterEqual(len(beats), 3)  # of four seconds
        self.assertEqual(list(range(1, len(beats) + 1)), beats)
        self.assert_never_says(r"^\[heart\] beat \d+, late", ran)

    def test_a_paste_with_another_lead_in(self):
        terminal = self.machine(self.linux_folder(head='console { lead-in = "?"; };'))
        terminal.expect(r"\[linux\] .*" + GUEST_PROMPT)
        terminal.type("?1")
        terminal.expect("console: VM 1, linux")
        text = "".join(f"{n:04d} a question?? and ctrl-] \x1d is the guest's\n" for n in range(100))
        terminal.type("stty -echo; cat > /paste\r")
        terminal.expect(r"cat > /paste")
        terminal.type(text)
        terminal.type("\x04")
        terminal.type("stty echo\r")
        terminal.type("md5sum /paste\r")
        terminal.expect(hashlib.md5(text.replace("??", "?").encode()).hexdigest())
        terminal.type("\x01x")
        self.assertEqual(0, terminal.wait())


if __name__ == "__main__":
    unittest.main()
