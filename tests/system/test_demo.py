# SPDX-License-Identifier: BSD-2-Clause
"""The demo: three VMs on two CPUs. Unmodified Debian Linux twice, two vCPUs each, beside a bare-metal guest with a
budget."""
import hashlib
import unittest

from support import SystemTest, Terminal


class Demo(SystemTest):
    def test_headless_linux_tests_itself_and_the_machine_ends_well(self):
        ran = self.boot()
        self.assert_exit(0, ran)
        for name in ("linux", "linux2"):
            self.assert_says(rf"^\[{name}\] .*SMP: Total of 2 processors activated", ran)
            self.assert_says(rf"^\[{name}\] selftest: disk /dev/vda", ran)
            self.assert_says(rf"^\[{name}\] selftest: network: ping 10.0.0.[12]: ", ran)
            self.assert_says(rf"^\[{name}\] selftest: network: 256 KiB to 10.0.0.[12] and back", ran)
            self.assert_says(rf"^\[{name}\] SELFTEST PASS", ran)
            self.assert_says(rf"^ashlar: {name} is off", ran)
        self.assert_says(r"^\[metronome\] ticks \d+, late \d+, worst \d+ us", ran)
        self.assert_says(r"^ashlar: metronome is off", ran)
        self.assert_says(r"^ashlar: exit status=ok ", ran)

    def test_without_a_terminal_it_is_headless(self):
        import os
        import subprocess
        from support import ROOT
        done = subprocess.run([os.path.join(ROOT, "run"), "--no-install"], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=280, check=False)
        self.assertEqual(0, done.returncode)
        self.assertIn(b"SELFTEST PASS", done.stdout)

    def test_a_user_finds_a_shell_reaches_the_other_guest_and_leaves(self):
        terminal = Terminal()
        self.addCleanup(terminal.close)
        terminal.expect(r"Ctrl-a x leaves")
        terminal.expect(r"\[linux\] /root # ")
        terminal.type("echo $((6 * 7)) of $(nproc)\r")
        terminal.expect(r"\n\[linux\] 42 of 2\r")
        # Ctrl-C is the guest's. Not before the shell waits for a child: busybox 1.35 may be amid malloc() until then.
        terminal.type("sh -c 'echo begun; sleep 100'\r")
        terminal.expect(r"\n\[linux\] begun\r")
        terminal.type("\x03")
        terminal.expect(r"\[linux\] /root # ")
        terminal.type("\x1d2")
        terminal.expect(r"ashlar: console: VM 2, linux2")
        terminal.prompt()
        terminal.type("echo $((6 * 9)) of $(nproc)\r")
        terminal.expect(r"\n54 of 2\r")
        terminal.type("\x1d3")
        terminal.expect(r"ashlar: console: VM 3, metronome")
        terminal.expect(r"\nticks \d+, late \d+")
        terminal.type("\x1d1")
        terminal.expect(r"ashlar: console: VM 1, linux")
        terminal.type("cat /proc/interrupts\r")
        terminal.expect(r"arch_timer")
        terminal.type("\x01x")
        self.assertEqual(0, terminal.wait())
        self.assertIn("left by Ctrl-A x", terminal.text)
        self.assertEqual(terminal.before, terminal.settings(), "the terminal's settings are not restored")

    def test_a_paste_of_8_kib_arrives_whole(self):
        terminal = Terminal()
        self.addCleanup(terminal.close)
        terminal.expect(r"\[linux\] /root # ")
        text = "".join(f"{n:04d} what is pasted ?1?l?? must arrive as it is\n" for n in range(170))
        terminal.type("stty -echo; cat > /paste\r")
        terminal.expect(r"cat > /paste")
        terminal.type(text)
        terminal.type("\x04")
        terminal.type("stty echo\r")
        terminal.type("md5sum /paste\r")
        terminal.expect(hashlib.md5(text.encode()).hexdigest())
        terminal.type("\x01x")
        self.assertEqual(0, terminal.wait())

    def test_reboot_starts_linux_again(self):
        terminal = Terminal()
        self.addCleanup(terminal.close)
        terminal.expect(r"\[linux\] /root # ")
        terminal.type("reboot -f\r")
        terminal.expect(r"ashlar: linux resets")
        terminal.expect(r"\[linux\] .*Booting Linux on physical CPU")
        terminal.expect(r"\[linux\] /root # ")
        terminal.type("poweroff -f\r")
        terminal.expect(r"ashlar: linux is off")
        terminal.type("\x1d2\x1da")
        terminal.prompt(r"\[linux2\] .*/root # ")
        terminal.type("poweroff -f\r")
        terminal.expect(r"ashlar: exit status=ok ")
        self.assertEqual(0, terminal.wait())


if __name__ == "__main__":
    unittest.main()
