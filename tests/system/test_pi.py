# SPDX-License-Identifier: BSD-2-Clause
"""Raspberry Pi programs (tests/guests/pi): on QEMU's raspi3b without a hypervisor, and as VMs. They say the same."""
import os
import re
import subprocess
import time
import unittest

from support import GUESTS, SystemTest, Terminal, tail, vm

# vCPUs that the program wants.
PROGRAMS = {"pi_os": 1, "pi_cores": 4, "pi_firmware": 1}
OURS = re.compile(r"^(?:\[\w+\] )?((?:os|cores|firmware|echo|pi): .*)$", re.MULTILINE)
MACHINE = 'machine = "bcm2837";'


def lines(text):
    return [few_for_nothing(line) for line in OURS.findall(text.replace("\r", ""))]


def few_for_nothing(line):
    """Where the emulator does not run for 10 ms amid a handler, that one is called again and finds nothing."""
    found = re.search(r"interrupts for nothing([ 0-9]+)$|(\d+) for nothing", line)
    few = found and sum(map(int, (found.group(1) or found.group(2)).split())) <= 2
    return re.sub(r"\d+ for nothing|nothing[ 0-9]+$", "few for nothing", line) if few else line


def bare(program):
    """What it says on raspi3b, which it turns off itself."""
    done = subprocess.run(["timeout", "-k", "1", "60", "qemu-system-aarch64", "-M", "raspi3b", "-kernel",
                           os.path.join(GUESTS, f"{program}.bin"), "-display", "none", "-monitor", "none",
                           "-serial", "stdio"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


class Pi(SystemTest):
    def as_vm(self, program, cpus, gic, more="", name="pi", options=()):
        node = vm(name, 1, f"{program}.bin", cpus, MACHINE + more, memory="0x0 0x1000000")
        return self.boot("--bundle", self.folder(node, files=(f"{program}.bin",)), "--gic", gic, "--timeout", "120",
                         *options)

    def check(self, program, gic):
        on_board = bare(program)
        self.assertEqual(0, on_board[0], tail(on_board[1]))
        ran = self.as_vm(program, range(PROGRAMS[program]), gic)
        self.assert_exit(0, ran)
        self.assertEqual(lines(on_board[1]), lines(ran[1]))
        self.assertGreater(len(lines(ran[1])), 3)
        self.assert_never_says(r": NO$|a wrong answer|^guest:", ran)

    def test_the_os_on_gicv2(self):
        self.check("pi_os", "2")

    def test_the_os_on_gicv3(self):
        self.check("pi_os", "3")

    def test_four_cores_on_gicv2(self):
        self.check("pi_cores", "2")

    def test_four_cores_on_gicv3(self):
        self.check("pi_cores", "3")

    def test_the_firmware_answers_and_the_hypervisor_too(self):
        self.check("pi_firmware", "3")
        ran = self.as_vm("pi_firmware", [0], "2")
        self.assert_exit(0, ran)
        self.assert_says(r"^hypervisor: 0xf02f1c9b", ran)

    def test_four_cores_that_share_two_cpus(self):
        ran = self.as_vm("pi_cores", [0, 1, 0, 1], "3")
        self.assert_exit(0, ran)
        self.assert_says(r"cores: ticks 10 10 10 10", ran)

    def test_the_same_on_a_board_that_is_a_pi(self):
        for program in ("pi_os", "pi_cores"):
            node = vm("pi", 1, f"{program}.bin", range(PROGRAMS[program]), MACHINE, memory="0x0 0x1000000")
            ran = self.boot("--board", "rpi3", "--bundle", self.folder(node, files=(f"{program}.bin",)),
                            "--timeout", "120")
            self.assert_exit(0, ran)
            self.assertEqual(lines(bare(program)[1]), lines(ran[1]))

    def test_a_watchdog_resets_it_until_there_have_been_enough(self):
        ran = self.as_vm("pi_watchdog", [0], "3", "restart-limit = <2 60>;")
        self.assert_says(r"watchdog: pristine", ran)
        self.assertEqual(3, ran[1].count("watchdog: pristine"), tail(ran[1]))
        self.assertEqual(3, ran[1].count("watchdog: fed for 1 s"), tail(ran[1]))
        self.assert_never_says("NOT pristine|it bit too early", ran)

    def test_a_pi_beside_another_guest(self):
        folder = self.folder(vm("pi", 1, "pi_os.bin", [0], MACHINE, memory="0x0 0x1000000"),
                             vm("basics", 2, "basics.bin", [0, 1]), files=("pi_os.bin", "basics.bin"))
        ran = self.boot("--bundle", folder, "--timeout", "120")
        self.assert_exit(0, ran)
        self.assert_says(r"^\[pi\] os: done", ran)
        self.assert_says(r"^\[basics\] BASICS PASS", ran)

    def echo(self, program):
        node = vm("pi", 1, f"{program}.bin", [1], MACHINE, memory="0x0 0x1000000")
        terminal = Terminal("--bundle", self.folder(node, files=(f"{program}.bin",)), "--timeout", "120")
        self.addCleanup(terminal.close)
        terminal.expect("echo: type, q ends")
        for word in ("ashlar", "a Raspberry Pi has two UARTs and no GIC. " * 4):
            terminal.type(word)
            terminal.expect(re.escape(word))
        terminal.type("q")
        terminal.expect(r"echo: [012] interrupts for nothing")
        self.assertEqual(0, terminal.wait(60), tail(terminal.text))

    def test_the_shell_tells_of_a_pis_interrupts(self):
        node = vm("pi", 1, "pi_echo.bin", [1], MACHINE, memory="0x0 0x1000000")
        terminal = Terminal("--bundle", self.folder(node, files=("pi_echo.bin",)), "--timeout", "120")
        self.addCleanup(terminal.close)
        terminal.expect("echo: type, q ends")
        terminal.type("\x1d0")
        terminal.expect("ashlar> ")
        terminal.type("irq pi\r")
        terminal.expect(r"pi +0 +local:3 +3 +no +no +no +0 +no +virtual timer")
        terminal.expect(r"pi +0 +gpu:29 +29 +yes +no +no +0 +no +AUX")
        terminal.type("\x01x")
        self.assertEqual(0, terminal.wait())

    def test_echo_by_the_mini_uart(self):
        self.echo("pi_echo")

    def test_echo_by_the_pl011(self):
        self.echo("pi_echo_pl011")

    def test_an_echo_bare_on_either_uart(self):
        for program, serial in (("pi_echo", ("-serial", "null", "-serial", "stdio")),
                                ("pi_echo_pl011", ("-serial", "stdio"))):
            with subprocess.Popen(["timeout", "-k", "1", "60", "qemu-system-aarch64", "-M", "raspi3b", "-kernel",
                                   os.path.join(GUESTS, f"{program}.bin"), "-display", "none", "-monitor", "none",
                                   *serial], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as machine:
                # What comes before it has set its UART up is lost, on a board as well.
                self.assertIn(b"echo: type, q ends", machine.stdout.readline())
                time.sleep(1)
                machine.stdin.write(b"ashlar q")
                machine.stdin.flush()
                said = machine.stdout.read()
                self.assertEqual(0, machine.wait(), said)
            self.assertIn(b"ashlar q", said)


if __name__ == "__main__":
    unittest.main()
