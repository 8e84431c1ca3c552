# SPDX-License-Identifier: BSD-2-Clause
"""VMs that share CPUs: each with all that is its own, whoever runs in between."""
import os
import re
import sys
import unittest

from support import IN_SOFTWARE, ROOT, SystemTest, Terminal, vm

sys.path.insert(0, os.path.join(ROOT, "hv/tools"))
from ashlar import build  # noqa: E402

SHELL = r"/root # "
LINUX = 'ramdisk = "initramfs.cpio"; bootargs = "console=ttyAMA0";'


class Sharing(SystemTest):
    def check_heartbeat(self, text):
        """It goes on. When exactly is the emulator's affair: on a busy machine its clocks ring late."""
        beats = [int(n) for n in re.findall(r"\[heart\] beat (\d+)", text)]
        self.assertGreater(len(beats), 2, text)
        self.assertEqual(sorted(set(beats)), beats)

    def preempted_in_its_handler(self, gic, hv_options=""):
        folder = self.folder(vm("hog", 1, "hog.bin", [0]), vm("other", 2, "hog.bin", [0], "time-slice-us = <3000>;"),
                             vm("heart", 3, "heartbeat.bin", [0], "background;"), files=("hog.bin", "heartbeat.bin"))
        ran = self.boot("--gic", str(gic), "--cpus", "1", "--bundle", folder, "--timeout", "100",
                        hv_options=hv_options)
        self.assert_exit(0, ran)
        self.assert_says(r"^\[hog\] HOG PASS", ran)
        self.assert_says(r"^\[other\] HOG PASS", ran)
        self.check_heartbeat(ran[1])

    def test_a_timer_interrupt_comes_while_another_is_in_its_handler_gicv3(self):
        self.preempted_in_its_handler(3)

    def test_a_timer_interrupt_comes_while_another_is_in_its_handler_gicv2(self):
        self.preempted_in_its_handler(2)

    def two_linuxes(self, gic):
        """Two vCPUs each, on the same two CPUs, and a heartbeat that is more urgent."""
        demo = build.demo_folder(ROOT, "qemu-virt", os.path.join(ROOT, "build/qemu-virt"))
        folder = self.folder(vm("left", 1, "Image", [0, 1], LINUX, memory="0x0 0x10000000"),
                             vm("right", 2, "Image", [1, 0], LINUX, memory="0x0 0x10000000"),
                             vm("heart", 3, "heartbeat.bin", [1], "priority = <200>; background;"),
                             files=("heartbeat.bin",))
        for name in ("Image", "initramfs.cpio"):
            os.symlink(os.path.realpath(os.path.join(demo, name)), os.path.join(folder, name))
        terminal = Terminal("--gic", str(gic), "--cpus", "2", "--memory", "1G", "--bundle", folder)
        self.addCleanup(terminal.close)
        for name in ("left", "right"):
            if name == "right":
                terminal.type("\x1d2\x1da")
                terminal.expect(r"console: VM 2")
                terminal.type("\r")
            terminal.expect(rf"\[{name}\] {SHELL}")
            terminal.type(f"for c in 0 1; do (taskset -c $c /init load && echo {name}''-$c-well) & done\r")
        terminal.expect_all("left-0-well", "left-1-well", "right-0-well", "right-1-well")
        for key, name in (("1", "left"), ("2", "right")):
            terminal.type(f"\x1d{key}\x1da")
            terminal.expect(rf"console: VM {key}")
            terminal.type("\rfor c in 0 1; do awk -v c=cpu$c '$1 == c { print "
                          f"\"{name}-stolen-\" $9 \".\" }}' /proc/stat; done\r")
            for _ in range(2):  # hundredths of a second; each had one other beside it for as long as it was busy
                self.assertGreater(int(terminal.expect(rf"{name}-stolen-(\d+)\.").group(1)), 20)
            terminal.type("\rpoweroff -f\r")
            terminal.expect(rf"ashlar: {name} is off")
        self.assertEqual(0, terminal.wait())
        self.check_heartbeat(terminal.text)

    def moving(self, gic, priority, hv_options=""):
        """Linux and a guest that checks all its registers, everywhere on three CPUs, beside a heartbeat on one."""
        demo = build.demo_folder(ROOT, "qemu-virt", os.path.join(ROOT, "build/qemu-virt"))
        anywhere = [{0, 1, 2}, {0, 1, 2}]
        folder = self.folder(vm("linux", 1, "Image", anywhere, LINUX + f"priority = <{priority}>;",
                                memory="0x0 0x10000000"),
                             vm("mover", 2, "integrity.bin", anywhere, "background;", memory="0x0 0x1000000"),
                             vm("heart", 3, "heartbeat.bin", [1], "priority = <200>; background;"),
                             files=("integrity.bin", "heartbeat.bin"))
        for name in ("Image", "initramfs.cpio"):
            os.symlink(os.path.realpath(os.path.join(demo, name)), os.path.join(folder, name))
        terminal = Terminal("--gic", str(gic), "--cpus", "3", "--memory", "1G", "--bundle", folder,
                            hv_options=hv_options)
        self.addCleanup(terminal.close)
        terminal.expect(rf"\[linux\] {SHELL}")
        terminal.type("for c in 0 1; do (taskset -c $c /init load && echo load''-$c-well) & "
                      "(for i in $(seq 250); do taskset -c $c sleep 0.01; done; echo naps''-$c-well) & done\r")
        terminal.expect_all("load-0-well", "load-1-well", "naps-0-well", "naps-1-well")
        terminal.type("\rpoweroff -f\r")
        moves = int(terminal.expect(r"linux: its vCPUs moved (\d+) times").group(1))
        moves += int(terminal.expect(r"mover: its vCPUs moved (\d+) times").group(1))
        self.assertGreater(moves, 1000)
        self.assertEqual(0, terminal.wait())
        self.assertNotIn("FAIL", terminal.text)
        self.check_heartbeat(terminal.text)

    def interrupt_storm(self, *options):
        """It is told of with its VM, an interrupt and its rate; the VM comes to its end, and so does another."""
        folder = self.folder(vm("storm", 1, "storm.bin", [0, 0]), vm("hog", 2, "hog.bin", [1]),
                             files=("storm.bin", "hog.bin"))
        ran = self.boot("--cpus", "2", "--bundle", folder, "--timeout", "120", *options)
        self.assert_exit(0, ran)
        self.assert_says(r"^\[hog\] HOG PASS", ran)
        taken = int(re.search(r"\[storm\] SGIs: (\d+)", ran[1]).group(1))
        told = re.findall(r"(?m)^ashlar: storm: interrupt storm: (\d+) a second, last SGI \d+ for vCPU [01]; ", ran[1])
        if taken < 60000 and not told:
            self.skipTest(f"this machine is too slow for a storm: {taken} SGIs in four seconds")
        self.assertEqual(1, len(told), ran[1])  # one line in ten seconds
        self.assertGreaterEqual(int(told[0]), 10000)

    def test_an_interrupt_storm_is_told_of_gicv3(self):
        self.interrupt_storm()

    def test_an_interrupt_storm_is_told_of_gicv2(self):
        self.interrupt_storm("--gic", "2")

    def test_vcpus_move_between_cpus_under_load_gicv3(self):
        self.moving(3, 128)

    def test_vcpus_move_between_cpus_when_they_must_make_room_gicv2(self):
        self.moving(2, 150)

    def test_a_timer_interrupt_comes_while_another_is_in_its_handler_in_software(self):
        self.preempted_in_its_handler(3, IN_SOFTWARE)

    def test_vcpus_move_between_cpus_under_load_in_software(self):
        self.moving(3, 128, IN_SOFTWARE)

    def test_two_debians_on_the_same_two_cpus_gicv3(self):
        self.two_linuxes(3)

    def test_two_debians_on_the_same_two_cpus_gicv2(self):
        self.two_linuxes(2)


if __name__ == "__main__":
    unittest.main()
