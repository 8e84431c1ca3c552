# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernel, unmodified, on both GICs and every count of CPUs, put through its paces from a root shell, while
another VM's heartbeat must not miss a beat."""
import os
import re
import sys
import tempfile
import unittest

from support import IN_SOFTWARE, ROOT, SystemTest, Terminal, tail, vm

sys.path.insert(0, os.path.join(ROOT, "hv/tools"))
from ashlar import build  # noqa: E402

SHELL = r"/root # "
BUILD = os.path.join(ROOT, "build/qemu-virt")


class Linux(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.demo = build.demo_folder(ROOT, "qemu-virt", BUILD)

    def start(self, gic, cpus, vcpus, memory="0x0 0x18000000", machine_memory="2G", hv_options=""):
        """Linux on the last of the board's CPUs; with one to spare, a heartbeat on the first."""
        linux = vm("linux", 1, "Image", range(cpus - vcpus, cpus), memory=memory,
                   more='ramdisk = "initramfs.cpio"; bootargs = "console=ttyAMA0";')
        others = [vm("heart", 2, "heartbeat.bin", [0], "background;")] if cpus > vcpus else []
        folder = self.folder(linux, *others, files=("heartbeat.bin",))
        for name in ("Image", "initramfs.cpio"):
            os.symlink(os.path.realpath(os.path.join(self.demo, name)), os.path.join(folder, name))
        terminal = Terminal("--gic", str(gic), "--cpus", str(cpus), "--memory", machine_memory, "--bundle", folder,
                            hv_options=hv_options)
        self.addCleanup(terminal.close)
        terminal.expect(SHELL)
        self.questions = 0
        return terminal

    def ask(self, terminal, command, limit_s=60):
        """What a command prints, as one string. Quotes tell the marks that are printed from those that are echoed."""
        self.questions += 1
        n = self.questions
        terminal.type(f"echo '<''{n}'; {command}; echo '{n}''>'\r")
        said = terminal.expect(rf"(?s)<{n}\r*\n(.*?){n}>\r*\n", limit_s).group(1)
        lines = [line.strip("\r") for line in said.split("\n") if "[heart]" not in line]
        lines = [re.sub(r"^\[linux\] ", "", line) for line in lines]
        # A line that another VM's went before is drawn again.
        return "\n".join(line for line in lines if line != f"<{n}").strip()

    def check_cpus(self, terminal, vcpus):
        self.assertEqual(str(vcpus), self.ask(terminal, "grep -c ^processor /proc/cpuinfo"))
        table = self.ask(terminal, "cat /proc/interrupts")
        self.assertEqual([f"CPU{n}" for n in range(vcpus)], table.splitlines()[0].split())
        timer = next(line for line in table.splitlines() if "arch_timer" in line)
        self.assertTrue(all(int(n) > 0 for n in timer.split()[1:1 + vcpus]), table)
        self.assertRegex(table, r"(?m)^ *\d+: +\d.*uart-pl011", table)

    def check_time(self, terminal):
        """The guest's clock, which it took from the RTC at its start, and the RTC go together."""
        both = self.ask(terminal, "echo $(date +%s) $(cat /sys/class/rtc/rtc0/since_epoch)").split()
        self.assertAlmostEqual(int(both[0]), int(both[1]), delta=2)
        slept = self.ask(terminal, "a=$(date +%s); sleep 2; echo $(($(date +%s) - a))")
        self.assertIn(int(slept), range(2, 8))

    def check_load(self, terminal, vcpus):
        """All CPUs at once: checksums and floating point that are right, memory that keeps what is written, timers."""
        each = "for c in " + " ".join(map(str, range(vcpus))) + "; do"
        self.ask(terminal, "awk '/arch_timer/' /proc/interrupts > /before")
        said = self.ask(terminal, f"{each} (taskset -c $c /init load; echo load $c: $?) & done; "
                                  "dd if=/dev/urandom of=/a bs=1M count=24 2>/dev/null; cp /a /b; cmp /a /b; "
                                  "echo memory: $?; rm /a /b; wait", limit_s=200)
        for cpu in range(vcpus):
            self.assertIn(f"load {cpu}: 0", said)
        self.assertIn("memory: 0", said)
        before, after = (re.findall(r"\d+", line.split(":", 1)[1])[:vcpus] for line in
                         self.ask(terminal, "cat /before; awk '/arch_timer/' /proc/interrupts").splitlines())
        for cpu in range(vcpus):
            self.assertGreater(int(after[cpu]), int(before[cpu]), f"no timer interrupt on CPU {cpu}")

    def check_nothing_is_stolen(self, terminal):
        """Linux asks for stolen time; of CPUs of its own there is none."""
        self.assertIn("using stolen time PV", self.ask(terminal, "dmesg | grep stolen"))
        self.assertEqual("0", self.ask(terminal, "awk '$1 == \"cpu\" { print $9 }' /proc/stat"))

    def check_hotplug(self, terminal, vcpus):
        """Off by PSCI CPU_OFF, on again by CPU_ON; on it runs, and its timer and SGIs work."""
        for cpu in range(1, vcpus):
            for _ in range(2):
                self.ask(terminal, f"echo 0 > /sys/devices/system/cpu/cpu{cpu}/online")
                self.assertEqual(str(vcpus - 1), self.ask(terminal, "nproc"))
                self.ask(terminal, f"echo 1 > /sys/devices/system/cpu/cpu{cpu}/online")
                self.assertEqual(str(vcpus), self.ask(terminal, "nproc"))
            self.assertEqual(str(cpu), self.ask(terminal, f"taskset -c {cpu} cut -d' ' -f39 /proc/self/stat"))
            self.assertIn(self.ask(terminal, f"a=$(date +%s); taskset -c {cpu} sleep 1; echo $(($(date +%s) - a))"),
                          ("1", "2", "3"))

    def check_heartbeat(self, terminal):
        beats = [int(n) for n in re.findall(r"\[heart\] beat (\d+)", terminal.text)]
        self.assertGreater(len(beats), 1)
        self.assertEqual(list(range(1, len(beats) + 1)), beats)
        self.assertNotIn("late", [w for line in terminal.text.splitlines() if "[heart]" in line for w in line.split()])

    def power_off(self, terminal):
        terminal.type("poweroff -f\r")
        terminal.expect(r"ashlar: linux is off")
        terminal.expect(r"ashlar: exit status=ok ")
        self.assertEqual(0, terminal.wait(), tail(terminal.text))

    def through_its_paces(self, gic, cpus, vcpus, hv_options=""):
        terminal = self.start(gic, cpus, vcpus, hv_options=hv_options)
        self.check_cpus(terminal, vcpus)
        self.check_time(terminal)
        self.check_load(terminal, vcpus)
        self.check_hotplug(terminal, vcpus)
        self.check_nothing_is_stolen(terminal)
        self.power_off(terminal)
        if cpus > vcpus:
            self.check_heartbeat(terminal)

    def check_sleep(self, terminal, state, vcpus):
        """To sleep with an alarm of the RTC set: it sleeps, the alarm wakes it, and all of it goes on."""
        self.ask(terminal, "echo 0 > /sys/class/rtc/rtc0/wakealarm")
        said = self.ask(terminal, "a=$(cat /sys/class/rtc/rtc0/since_epoch); "
                                  "echo +8 > /sys/class/rtc/rtc0/wakealarm; "
                                  f"echo {state} > /sys/power/state; "
                                  "echo slept $? $(($(cat /sys/class/rtc/rtc0/since_epoch) - a))", limit_s=60)
        slept = re.search(r"slept (\d+) (\d+)", said)
        self.assertEqual("0", slept.group(1), said)
        self.assertIn(int(slept.group(2)), range(8, 30), said)
        self.assertEqual(str(vcpus), self.ask(terminal, "nproc"))
        for cpu in range(vcpus):
            self.assertEqual(str(cpu), self.ask(terminal, f"taskset -c {cpu} cut -d' ' -f39 /proc/self/stat"))

    def check_sleep_until_a_key(self, terminal):
        """Nobody but who types wakes it: without an alarm it would sleep for ever."""
        self.ask(terminal, "echo 0 > /sys/class/rtc/rtc0/wakealarm; echo enabled > /sys/class/tty/ttyAMA0/power/wakeup")
        beats = terminal.text.count("[heart]")
        terminal.type("echo mem > /sys/power/state; echo wo''ken $?\r")
        while terminal.text.count("[heart]") < beats + 3:
            terminal.expect(r"\[heart\] beat")
        self.assertNotIn("woken", terminal.text)
        terminal.type("\r")
        terminal.expect(r"woken 0")
        terminal.expect(SHELL)

    def through_sleep(self, gic):
        terminal = self.start(gic, 3, 2)
        self.assertIn("freeze mem", self.ask(terminal, "cat /sys/power/state"))
        self.assertIn("[deep]", self.ask(terminal, "cat /sys/power/mem_sleep"))
        for state in ("mem", "freeze", "mem"):
            self.check_sleep(terminal, state, 2)
        self.check_sleep_until_a_key(terminal)
        self.assertIn("PM: suspend exit", self.ask(terminal, "dmesg"))
        self.power_off(terminal)
        self.check_heartbeat(terminal)

    def bitten(self, gic):
        """sp805_wdt: while a daemon kicks the watchdog all is well; when it does not the VM ends as by a fault."""
        terminal = self.start(gic, 2, 1)
        self.ask(terminal, "insmod /lib/modules/sp805_wdt.ko")
        self.assertEqual("sp805-wdt", self.ask(terminal, "cat /sys/class/watchdog/watchdog0/identity"))
        self.ask(terminal, "watchdog -T 2 -t 500ms -F /dev/watchdog & sleep 7", limit_s=60)
        self.assertNotIn("its watchdog expired", terminal.text)
        self.assertEqual("active", self.ask(terminal, "cat /sys/class/watchdog/watchdog0/state"))
        terminal.type("kill -STOP $(pidof watchdog)\r")
        terminal.expect(r"ashlar: linux: its watchdog expired", 30)
        terminal.expect(r"ashlar: linux was stopped for a fault")
        terminal.expect(r"ashlar: exit status=vm-fault vm=linux ")
        self.assertEqual(3, terminal.wait(), tail(terminal.text))
        self.check_heartbeat(terminal)

    def again_after_reboot(self, gic):
        terminal = self.start(gic, 2, 1)
        self.ask(terminal, "echo changed > /etc-was-here")
        terminal.type("reboot -f\r")
        terminal.expect(r"ashlar: linux resets")
        terminal.expect(SHELL)
        self.assertEqual("1", self.ask(terminal, "test -e /etc-was-here; echo $?"))
        self.check_cpus(terminal, 1)
        self.power_off(terminal)
        self.check_heartbeat(terminal)


def add_tests():
    for gic in (2, 3):
        for cpus, vcpus in ((1, 1), (2, 1), (4, 2), (8, 4)):
            setattr(Linux, f"test_gicv{gic}_{cpus}_cpus_{vcpus}_vcpus",
                    lambda self, g=gic, c=cpus, v=vcpus: self.through_its_paces(g, c, v))
        setattr(Linux, f"test_gicv{gic}_sleep", lambda self, g=gic: self.through_sleep(g))
        setattr(Linux, f"test_gicv{gic}_reboot", lambda self, g=gic: self.again_after_reboot(g))
        setattr(Linux, f"test_gicv{gic}_watchdog", lambda self, g=gic: self.bitten(g))
    for gic, cpus, vcpus in ((2, 2, 1), (3, 3, 2)):
        setattr(Linux, f"test_in_software_{cpus}_cpus_{vcpus}_vcpus",
                lambda self, g=gic, c=cpus, v=vcpus: self.through_its_paces(g, c, v, IN_SOFTWARE))


add_tests()
if __name__ == "__main__":
    unittest.main()
