# SPDX-License-Identifier: BSD-2-Clause
"""What the system tests share: bundles of our guests, runs of ./run, and a terminal to type at."""
import os
import pty
import re
import select
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
GUESTS = os.path.join(ROOT, "build/qemu-virt/tests/guests")
LAST_LINES = 100
# hv's options for guests whose GIC, a GICv2, no hardware delivers for.
IN_SOFTWARE = "ashlar.vgic=software"


def vm(name, vmid, kernel, cpus, more="", memory="0x0 0x200000"):
    """A VM's node; cpus: the board's CPUs that it is pinned to, or for each vCPU the set that it may run on."""
    moves = isinstance(cpus[0], set)
    places = " ".join(str(sum(1 << one for one in cpu) if moves else cpu) for cpu in cpus)
    return f"""
        {name} {{
            device_type = "virtual_machine";
            vmid = <{vmid}>;
            vm_name = "{name}";
            type = "bare";
            vcpus = <{len(cpus)}>;
            {'vcpu-cpus' if moves else 'vcpu_affinity'} = <{places}>;
            memory = <{memory}>;
            kernel = "{kernel}";
            {more}
        }};"""


def of_board(options):
    """Options of ./run. --gic rpi3 stands for the board rpi3, whose CPUs and memory are what they are."""
    options = list(options)
    if "--gic" not in options or options[options.index("--gic") + 1] != "rpi3":
        return options
    for name in ("--gic", "--cpus", "--memory"):
        if name in options:
            del options[options.index(name):options.index(name) + 2]
    return ["--board", "rpi3", *options]


def tail(text):
    return "\n".join(text.splitlines()[-LAST_LINES:])


class SystemTest(unittest.TestCase):
    """A test that boots a machine. A failure shows the end of its console."""

    def folder(self, *vms, files=()):
        """A folder for --bundle: vms.dts with these VMs, and our guests of these names."""
        scratch = tempfile.TemporaryDirectory(prefix="ashlar-")
        self.addCleanup(scratch.cleanup)
        with open(os.path.join(scratch.name, "vms.dts"), "w", encoding="ascii") as f:
            f.write("/dts-v1/;\n/ { vms {" + "".join(vms) + "\n}; };\n")
        for name in files:
            os.symlink(os.path.join(GUESTS, name), os.path.join(scratch.name, name))
        return scratch.name

    def boot(self, *options, hv_options="", limit_s=280):
        """./run without a terminal; (exit code, console and messages)."""
        environment = {**os.environ, "ASHLAR_HV_OPTIONS": hv_options}
        done = subprocess.run([os.path.join(ROOT, "run"), "--no-install", "--headless", *of_board(options)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=environment, timeout=limit_s, check=False)
        return done.returncode, done.stdout.decode(errors="replace")

    def assert_exit(self, code, ran):
        self.assertEqual(code, ran[0], f"exit code {ran[0]}; the console's end:\n{tail(ran[1])}")

    def assert_says(self, pattern, ran, flags=re.MULTILINE):
        self.assertRegex(ran[1], re.compile(pattern, flags), f"the console's end:\n{tail(ran[1])}")

    def assert_never_says(self, pattern, ran):
        self.assertNotRegex(ran[1], re.compile(pattern, re.MULTILINE))


class Terminal:
    """./run at a terminal of its own, typed at and read like a user."""

    def __init__(self, *options, hv_options=""):
        self.text = ""
        self.master, slave = pty.openpty()
        self.before = self.settings()
        environment = {**os.environ, "ASHLAR_HV_OPTIONS": hv_options}
        self.process = subprocess.Popen([os.path.join(ROOT, "run"), "--no-install", *of_board(options)], stdin=slave,
                                        stdout=slave, stderr=slave, env=environment, start_new_session=True)
        self.slave = slave
        self._seen = 0

    def settings(self):
        import termios
        return termios.tcgetattr(self.master)

    def type(self, keys, limit_s=60):
        """Reads meanwhile: a machine whose output nobody takes may not take input either."""
        left = keys.encode()
        until = time.monotonic() + limit_s
        os.set_blocking(self.master, False)
        while left:
            if time.monotonic() > until:
                raise AssertionError(f"{len(left)} keys are not taken; the console's end:\n{tail(self.text)}")
            _, writable, _ = select.select([], [self.master], [], 0.01)
            try:
                left = left[os.write(self.master, left):] if writable else left
            except BlockingIOError:
                pass
            self.read(0)
        os.set_blocking(self.master, True)

    def expect(self, pattern, limit_s=120):
        """Wait until the pattern appears behind what was expected last."""
        until = time.monotonic() + limit_s
        while True:
            found = re.search(pattern, self.text[self._seen:])
            if found:
                self._seen += found.end()
                return found
            left = until - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError(f"{pattern!r} did not appear; the console's end:\n{tail(self.text)}")

    def prompt(self, pattern=r"/root # ", limit_s=120):
        """Wait for a shell's prompt, which may have been said long ago, or be still to come: a line typed before the
        shell has opened its terminal is lost."""
        until = time.monotonic() + limit_s
        while True:
            self.type("\r")
            try:
                return self.expect(pattern, min(5, limit_s))
            except AssertionError:
                if time.monotonic() > until:
                    raise

    def expect_all(self, *patterns, limit_s=120):
        """Wait until each has appeared, in any order, in all that was said."""
        until = time.monotonic() + limit_s
        for pattern in patterns:
            while not re.search(pattern, self.text):
                left = until - time.monotonic()
                if left <= 0 or not self.read(left):
                    raise AssertionError(f"{pattern!r} did not appear; the console's end:\n{tail(self.text)}")

    def read(self, limit_s):
        """What comes, if it comes in time. False: the machine has closed its end."""
        ready, _, _ = select.select([self.master], [], [], limit_s)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def wait(self, limit_s=30):
        until = time.monotonic() + limit_s
        while self.process.poll() is None and time.monotonic() < until:
            self.read(0.1)
        return self.process.poll()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        os.close(self.master)
        os.close(self.slave)
