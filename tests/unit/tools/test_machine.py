# SPDX-License-Identifier: BSD-2-Clause
import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
import unittest

from support import FolderTest

DRIVER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "drive_machine.py")
OK = "ashlar: exit status=ok vm=linux nonce=feed"
LIMIT_S = 20


def is_alive(pid):
    """Zombies of a container's init do not count."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class MachineTest(FolderTest):
    """Emulators are shell scripts that write their process number to the file "pid"."""

    def emulator(self, body):
        return self.put("emulator", f"#!/bin/sh\ncd {self.folder}\necho $$ >pid.new; mv pid.new pid\n{body}\n",
                        executable=True)

    def wait_for(self, claim, what):
        until = time.monotonic() + LIMIT_S
        while not claim():
            self.assertLess(time.monotonic(), until, f"waited too long: {what}")
            time.sleep(0.01)

    def pid(self):
        self.wait_for(lambda: self.get("pid"), "the emulator starts")
        return int(self.get("pid"))

    def assert_gone(self, pid):
        self.wait_for(lambda: not is_alive(pid), "the emulator is gone")


class Headless(MachineTest):
    def run_it(self, body, timeout=0, **more):
        return subprocess.run([sys.executable, "-B", DRIVER, "none", str(timeout), self.emulator(body)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False,
                              **more)

    def start(self, body, timeout=0):
        process = subprocess.Popen([sys.executable, "-B", DRIVER, "none", str(timeout), self.emulator(body)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_output_goes_through_and_the_verdict_is_the_exit_code(self):
        done = self.run_it(f"printf 'one\\r\\ntwo\\r\\n{OK}\\r\\n'")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.split("\n")[:2], ["one", "two"])

    def test_output_is_shown_as_it_comes(self):
        process = self.start("echo first; while [ ! -e go ]; do sleep 0.05; done; echo second")
        self.assertEqual(process.stdout.readline(), b"first\n")
        self.put("go", "")
        self.assertEqual(process.stdout.readline(), b"second\n")

    def test_an_emulator_that_says_nothing_is_4(self):
        self.assertEqual(self.run_it("exit 0").returncode, 4)
        self.assertEqual(self.run_it("kill -9 $$").returncode, 4)
        self.assertEqual(self.run_it("echo something; exit 1").returncode, 4)

    def test_an_emulator_that_refuses_the_machine_is_2(self):
        self.assertEqual(self.run_it("echo 'no such machine' >&2; exit 1").returncode, 2)

    def test_a_time_limit_of_any_size_is_one(self):
        self.assertEqual(self.run_it(f"echo {OK}", timeout=10 ** 30).returncode, 0)

    def test_nobody_types_at_it(self):
        self.assertEqual(self.run_it(f'read -r x || echo "{OK}"').returncode, 0)

    def test_the_time_limit_ends_one_that_ignores_sigterm(self):
        begin = time.monotonic()
        done = self.run_it("trap '' TERM; while :; do sleep 0.05; done", timeout=1)
        self.assertEqual(done.returncode, 124)
        self.assertLess(time.monotonic() - begin, 8)
        self.assert_gone(self.pid())

    def test_the_time_limit_holds_for_one_that_never_stops_talking(self):
        self.assertEqual(self.run_it("while :; do echo noise; done", timeout=1).returncode, 124)

    def test_children_of_the_emulator_go_too(self):
        done = self.run_it("sh -c 'trap \"\" TERM; echo $$ >child; while :; do sleep 0.05; done' & wait", timeout=1)
        self.assertEqual(done.returncode, 124)
        self.assert_gone(int(self.get("child")))

    def test_an_emulator_that_stays_after_the_last_line_is_ended(self):
        begin = time.monotonic()
        self.assertEqual(self.run_it(f"echo {OK}; sleep 60").returncode, 0)
        self.assertLess(time.monotonic() - begin, 10)
        self.assert_gone(self.pid())

    def test_signals_end_the_emulator_and_us(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path("pid"))
                process = self.start("while :; do sleep 0.05; done")
                pid = self.pid()
                process.send_signal(number)
                self.assertEqual(process.wait(LIMIT_S), 128 + number)
                self.assert_gone(pid)

    def test_the_emulator_does_not_outlive_a_kill_that_cannot_be_caught(self):
        process = self.start("exec sleep 60")
        pid = self.pid()
        process.kill()
        process.wait(LIMIT_S)
        self.assert_gone(pid)

    def test_a_reader_that_goes_away_ends_it(self):
        process = self.start("while :; do echo noise; done")
        pid = self.pid()
        process.stdout.read(10)
        process.stdout.close()
        self.assertNotEqual(process.wait(LIMIT_S), 0)
        self.assert_gone(pid)

    def test_a_missing_emulator_is_told_in_words(self):
        done = subprocess.run([sys.executable, "-B", DRIVER, "none", "0", "/nonexistent/emulator"], capture_output=True,
                              text=True, check=False, timeout=LIMIT_S)
        self.assertIn("/nonexistent/emulator: No such file", done.stderr)


class Terminal(MachineTest):
    def setUp(self):
        super().setUp()
        self.master, self.slave = pty.openpty()
        self.addCleanup(os.close, self.slave)
        self.addCleanup(self.close_master)
        self.before = termios.tcgetattr(self.slave)
        self.assertTrue(self.before[3] & termios.ICANON)
        self.seen = b""

    def close_master(self):
        if self.master is not None:
            os.close(self.master)
            self.master = None

    def start(self, body, timeout=0, *words):
        process = subprocess.Popen([sys.executable, "-B", DRIVER, "keyboard", str(timeout), *words,
                                    self.emulator(body)],
                                   stdin=self.slave, stdout=self.slave, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def expect(self, text):
        until = time.monotonic() + LIMIT_S
        while text not in self.seen:
            self.assertLess(time.monotonic(), until, f"no {text!r} in {self.seen!r}")
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 4096)

    def drain_until_exit(self, process):
        until = time.monotonic() + LIMIT_S
        while process.poll() is None:
            self.assertLess(time.monotonic(), until, "it does not end")
            if select.select([self.master], [], [], 0.05)[0]:
                self.seen += os.read(self.master, 4096)
        return process.returncode

    def assert_restored(self):
        self.assertEqual(termios.tcgetattr(self.slave), self.before)

    def assert_raw(self):
        mode = termios.tcgetattr(self.slave)
        self.assertFalse(mode[3] & (termios.ICANON | termios.ECHO | termios.ISIG))
        self.assertFalse(mode[0] & termios.ICRNL)

    def test_every_key_reaches_the_emulator_unchanged(self):
        process = self.start("echo ready; head -c 4 | od -An -tx1 | tr -d '\\n'; echo .; sleep 60")
        self.expect(b"ready")
        self.assert_raw()
        os.write(self.master, b"\x03\r\x1d\x1a")  # Ctrl-C, return, Ctrl-], Ctrl-Z
        self.expect(b"03 0d 1d 1a.")
        self.assertIsNone(process.poll())
        process.terminate()
        self.drain_until_exit(process)

    def test_the_terminal_is_restored_after_a_good_end(self):
        process = self.start(f"echo {OK}")
        self.assertEqual(self.drain_until_exit(process), 0)
        self.assert_restored()

    def test_the_terminal_is_restored_after_the_time_limit(self):
        process = self.start("echo ready; sleep 60", 1)
        self.expect(b"ready")
        self.assert_raw()
        self.assertEqual(self.drain_until_exit(process), 124)
        self.assert_restored()

    def test_the_terminal_is_restored_after_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number):
                self.seen = b""
                process = self.start("echo ready; sleep 60")
                self.expect(b"ready")
                self.assert_raw()
                process.send_signal(number)
                self.assertEqual(self.drain_until_exit(process), 128 + number)
                self.assert_restored()

    def test_the_terminal_is_restored_after_a_mistake_of_ours(self):
        process = self.start("echo ready; sleep 60", 0, "crash-in-us")
        self.assertEqual(self.drain_until_exit(process), 1)
        self.assertIn(b"ZeroDivisionError", process.stderr.read())
        self.assert_restored()
        self.assert_gone(self.pid())

    def test_the_terminal_is_restored_after_the_emulator_was_killed(self):
        process = self.start("echo ready; exec sleep 60")
        self.expect(b"ready")
        os.kill(self.pid(), signal.SIGKILL)
        self.assertEqual(self.drain_until_exit(process), 4)
        self.assert_restored()

    def test_an_emulator_that_changes_terminals_finds_none(self):
        process = self.start(f"stty raw </dev/tty 2>/dev/null; stty raw 2>/dev/null; echo {OK}")
        self.assertEqual(self.drain_until_exit(process), 0)
        self.assert_restored()

    def test_ctrl_a_x_is_leaving_on_purpose(self):
        process = self.start("echo ready; head -c 2 >/dev/null")
        self.expect(b"ready")
        os.write(self.master, b"\x01")
        time.sleep(0.05)
        os.write(self.master, b"x")
        self.assertEqual(self.drain_until_exit(process), 0)

    def test_a_literal_ctrl_a_before_an_x_is_not_leaving(self):
        process = self.start("echo ready; head -c 3 >/dev/null")
        self.expect(b"ready")
        os.write(self.master, b"\x01\x01x")
        self.assertEqual(self.drain_until_exit(process), 4)

    def test_a_terminal_that_hangs_up_ends_it(self):
        process = self.start("echo ready; sleep 60")
        self.expect(b"ready")
        pid = self.pid()
        self.close_master()
        self.assertEqual(process.wait(LIMIT_S), 128 + signal.SIGHUP)
        self.assert_gone(pid)

    def test_a_flood_of_keys_does_not_stop_a_talking_emulator(self):
        process = self.start(f"echo ready; while [ ! -e go ]; do echo noise; done; head -c 1000 >got; echo {OK}")
        self.expect(b"ready")
        os.set_blocking(self.master, False)
        for _ in range(40):
            with contextlib.suppress(BlockingIOError):
                os.write(self.master, b"k" * 4000)
            if select.select([self.master], [], [], 0)[0]:
                os.read(self.master, 65536)
        self.put("go", "")
        self.assertEqual(self.drain_until_exit(process), 0)
        self.assertIn("kkkk", self.get("got"))


if __name__ == "__main__":
    unittest.main()
