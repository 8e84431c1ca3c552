# SPDX-License-Identifier: BSD-2-Clause
"""./run from end to end in a copy of the tree, with a build and an emulator that only pretend."""
import os
import pty
import re
import shutil
import struct
import subprocess
import unittest

from support import ROOT, FolderTest
from ashlar import newc

LIMIT_S = 30
# The emulator plays the file "play"; NONCE in it becomes the run's own.
FAKES = {
    "dpkg": "echo amd64",
    "dpkg-query": 'shift 3; for p; do [ "$p" = "$MISSING" ] || echo "installed $p"; done',
    "id": "echo 1000",
    "sudo": "exit 1",
    "cmake": """
        [ -e "$FAKE/broken" ] && { echo "error: no such register"; exit 1; }
        [ "$1" = --build ] || exit 0
        mkdir -p "$2/hv" "$2/tests/guests"
        cp "$FAKE/hv.bin" "$FAKE/hv.elf" "$2/hv"
        cp "$FAKE/hv.bin" "$2/hv/kernel8.img"
        echo metronome >"$2/tests/guests/metronome.bin"
        echo os >"$2/tests/guests/pi_os.bin" """,
    "qemu-system-aarch64": """
        [ "$1" = --version ] && { echo "QEMU emulator version ${QEMU_VERSION:-7.2.22} (Debian)"; exit 0; }
        for word; do
            echo "$word" >>"$FAKE/command"
            case $word in ashlar.nonce=*) nonce=${word#ashlar.nonce=} ;; esac
        done
        sed "s/NONCE/${nonce%% *}/" "$FAKE/play"
        [ -e "$FAKE/hang" ] && exec sleep 60
        exit 0""",
}
IMAGE = bytes(8) + struct.pack("<QQ", 0, 0x100000) + bytes(32) + b"ARM\x64" + bytes(4)
BUSYBOX = b"\x7fELF\x02\x01" + bytes(12) + b"\xb7\x00" + b"\0[\0[[\0busybox\0sh\0\0"
EXIT = "ashlar: exit status={} vm=linux nonce=NONCE\n"


class Run(FolderTest):
    def setUp(self):
        super().setUp()
        for name, body in FAKES.items():
            self.put(f"bin/{name}", "#!/bin/sh\n" + body + "\n", executable=True)
        for name in ("run", "hv/tools", "toolchains", "bsp/qemu-virt", "bsp/rpi3"):
            target = self.path("tree", name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.isdir(os.path.join(ROOT, name)):
                shutil.copytree(os.path.join(ROOT, name), target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(os.path.join(ROOT, name), target)
        self.put("tree/tests/setup/fetch", '#!/bin/sh\necho "$FAKE/$1"\n', executable=True)
        self.put("hv.bin", IMAGE)
        self.put("hv.elf", b"\x7fELF\x02\x01" + bytes(18) + struct.pack("<Q", 0x40080000))
        self.put("kernel", "kernel")
        self.put("busybox", BUSYBOX)
        self.put("e2fsck", "e2fsck")
        self.play(EXIT.format("ok"))

    def play(self, text):
        self.put("play", text)

    def run_it(self, *arguments, **more):
        return subprocess.run([self.path("tree/run"), *arguments], env=self.environment(FAKE=self.folder, **more),
                              cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=LIMIT_S)

    def command(self):
        return self.get("command", "").splitlines()

    def bundle(self, name="demo.cpio", board="qemu-virt"):
        with open(self.path("tree/build", board, name), "rb") as f:
            return {entry.name: entry.data for entry in newc.read(f.read())}

    def test_a_self_test_that_passes_is_0(self):
        self.play("[linux] SELFTEST PASS\n" + EXIT.format("ok"))
        done = self.run_it("--headless")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("SELFTEST PASS", done.stdout)

    def test_each_way_to_end_has_its_exit_code(self):
        ends = (("SELFTEST FAIL rtc\n" + EXIT.format("ok"), 1), (EXIT.format("ok"), 1), (EXIT.format("vm-fault"), 3),
                (EXIT.format("panic"), 4), ("SELFTEST PASS\n", 4),
                ("SELFTEST PASS\n" + EXIT.format("ok").replace("NONCE", "0" * 32), 4))
        for text, code in ends:
            with self.subTest(text=text):
                self.play(text)
                self.assertEqual(self.run_it("--headless").returncode, code)

    def test_the_time_limit_is_124(self):
        self.play("booting\n")
        self.put("hang", "")
        self.assertEqual(self.run_it("--timeout", "1").returncode, 124)

    def test_without_a_terminal_it_is_headless_and_the_guests_test_themselves(self):
        self.run_it()
        command = self.command()
        self.assertNotIn("-nographic", command)
        self.assertEqual(command[command.index("-serial") + 1], "stdio")
        append = command[command.index("-append") + 1]
        self.assertRegex(append, r"^ashlar\.nonce=[0-9a-f]{32} ashlar\.guest-args=ashlar\.selftest$")

    def test_the_nonce_is_new_every_time(self):
        self.run_it()
        self.run_it()
        nonces = re.findall(r"ashlar\.nonce=([0-9a-f]+)", self.get("command"))
        self.assertEqual(len(set(nonces)), 2)

    def test_the_plain_command_is_printed(self):
        done = self.run_it()
        self.assertIn("qemu-system-aarch64 -M virt,virtualization=on,gic-version=3 -cpu cortex-a53 -smp 2 -m 2G "
                      "-nic none", done.stderr)

    def test_options_reach_the_emulator(self):
        self.run_it("--gic", "2", "--cpus", "3", "--memory", "512M", "--gdb", "--timeout", "20")
        command = " ".join(self.command())
        for words in ("gic-version=2", "-smp 3", "-m 512M", " -S "):
            self.assertIn(words, command)

    def test_a_file_for_the_flash_is_made_as_large_as_that(self):
        self.put("rom", "what is in it")
        self.run_it("--flash", "rom")
        drive = next(word for word in self.command() if "pflash" in word)
        self.assertRegex(drive, r"^if=pflash,unit=1,format=raw,readonly=on,file=/")
        with open(drive.split("file=")[1], "rb") as f:
            self.assertEqual(b"what is in it\0", f.read(14))
            self.assertEqual(64 << 20, f.seek(0, os.SEEK_END))
        with open(self.path("rom"), "ab") as f:
            f.truncate((64 << 20) + 1)
        done = self.run_it("--flash", "rom")
        self.assertEqual(2, done.returncode)
        self.assertIn("rom: is larger than the flash, 64 MiB", done.stderr)
        self.assertIn("nothing: there is no such file", self.run_it("--flash", "nothing").stderr)
        done = self.run_it("--board", "rpi3", "--flash", "play")
        self.assertIn("--flash: --board rpi3 is as it was made", done.stderr)

    def test_a_raspberry_pi_is_booted_with_debians_tree_and_its_console_is_the_second_line(self):
        done = self.run_it("--board", "rpi3", "--headless")
        self.assertIn("-M raspi3b -smp 4 -nic none -dtb", done.stderr)
        command = self.command()
        self.assertEqual(command[command.index("-dtb") + 1], os.path.join(self.folder, "dtb/bcm2837-rpi-3-b.dtb"))
        self.assertTrue(command[command.index("-kernel") + 1].endswith("build/rpi3/hv/kernel8.img"))
        first = command.index("-serial")
        self.assertEqual(command[first:first + 4], ["-serial", "null", "-serial", "stdio"])
        self.assertIn("pi_os.bin", self.bundle(board="rpi3"))

    def test_each_model_of_a_board_has_its_machine_and_tree(self):
        for model, words in (("b-plus", "-M raspi3b -smp 4 -nic none -dtb {}/dtb/bcm2837-rpi-3-b-plus.dtb "),
                             ("a-plus", "-M raspi3ap -smp 4 -nic none -dtb {}/dtb/bcm2837-rpi-3-a-plus.dtb ")):
            done = self.run_it("--board", "rpi3", "--model", model)
            self.assertIn(words.format(self.folder), done.stderr)

    def test_gdb_prints_the_line_for_the_debugger(self):
        done = self.run_it("--gdb", "--timeout", "20")
        self.assertRegex(done.stderr, r"gdb-multiarch -ex 'target remote :1234' "
                         r"-ex 'add-symbol-file \S*hv\.elf -o 0x180000'")

    def test_the_demo_holds_kernel_initramfs_and_the_bare_guest(self):
        self.run_it()
        entries = self.bundle()
        self.assertEqual(list(entries)[0], "vms.dtb")
        self.assertEqual(entries["Image"], b"kernel")
        self.assertEqual(entries["metronome.bin"], b"metronome\n")
        inner = {entry.name: entry.data for entry in newc.read(entries["initramfs.cpio"])}
        self.assertIn(b"SELFTEST PASS", inner["init"])
        self.assertEqual(inner["bin/e2fsck"], b"e2fsck")

    def test_a_folder_of_ones_own_is_bundled_and_not_told_to_test_itself(self):
        self.put("mine/vms.dts", '/dts-v1/; / { vms { a { device_type = "virtual_machine"; kernel = "k"; }; }; };')
        self.put("mine/k", "my kernel")
        done = self.run_it("--bundle", "mine")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.bundle("bundle.cpio")["k"], b"my kernel")
        self.assertNotIn("guest-args", self.get("command"))

    def test_a_bundle_is_taken_as_it_is(self):
        path = self.put("mine.cpio", "anything")
        self.assertEqual(self.run_it("--bundle", "mine.cpio").returncode, 0)
        command = self.command()
        self.assertEqual(command[command.index("-initrd") + 1], path)

    def test_a_mistake_in_a_bundle_is_left_to_hv_which_starts_the_other_vms(self):
        self.put("mine/vms.dts",
                 '/dts-v1/; / { vms { a { kernel = "../k"; }; b { kernel = "k"; ramdisk = "r"; }; }; };')
        self.put("mine/k", "my kernel")
        self.put("k", "not in the folder")
        done = self.run_it("--bundle", "mine")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(["vms.dtb", "k"], list(self.bundle("bundle.cpio")))

    def test_what_is_no_tree_at_all_is_told_before_anything_boots(self):
        self.put("mine/vms.dts", "/dts-v1/; / { vms { a { ")
        done = self.run_it("--bundle", "mine")
        self.assertEqual(done.returncode, 1)
        self.assertIn("vms.dts: dtc does not accept it", done.stderr)
        self.assertEqual(self.command(), [])

    def test_an_old_emulator_is_refused_in_words(self):
        for version in ("7.1.90", "6.2.0", "2.12"):
            done = self.run_it(QEMU_VERSION=version)
            self.assertEqual(done.returncode, 2)
            self.assertIn("7.2 or newer is needed", done.stderr)
        for version in ("7.2.0", "10.0.2"):
            self.assertNotIn("is needed", self.run_it(QEMU_VERSION=version).stderr)

    def test_missing_packages_without_rights_are_2_and_the_exact_line(self):
        for arguments in ((), ("--no-install",)):
            done = self.run_it(*arguments, MISSING="cmake")
            self.assertEqual(done.returncode, 2)
            self.assertIn("apt-get update && apt-get install -y --no-install-recommends cmake\n", done.stderr)

    def test_a_build_that_fails_shows_why(self):
        self.put("broken", "")
        done = self.run_it()
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: no such register", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_bad_options_are_2_and_say_what_is_allowed(self):
        for arguments, words in ((("--cpus", "0"), "above 0"), (("--cpus", "9" * 5000), "above 0"),
                                 (("--memory", "lots"), "512M or 2G"),
                                 (("--board", "pc"), "qemu-virt"), (("--gic", "4"), "'2', '3'"),
                                 (("--timeout", "-1"), "--timeout"), (("--bundle", "/nope"), "/nope"),
                                 (("--head",), "--head"),
                                 (("--board", "rpi3", "--gic", "2"), "--gic: --board rpi3 is as it was made"),
                                 (("--board", "rpi3", "--memory", "1G"), "--memory: --board rpi3 is as it was made"),
                                 (("--board", "rpi3", "--cpus", "2"), "--cpus: --board rpi3 has 4"),
                                 (("--board", "rpi3", "--model", "4"), "allowed: b, b-plus, a-plus"),
                                 (("--model", "b"), "has no model 'b'; allowed: virt")):
            with self.subTest(arguments=arguments):
                done = self.run_it(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(words, done.stderr)
                self.assertEqual(self.command(), [])

    def test_help_names_every_option_and_needs_no_python(self):
        self.put("bin/python3", "#!/bin/sh\nexit 9\n", executable=True)
        done = self.run_it("--help")
        self.assertEqual(done.returncode, 0)
        with open(os.path.join(ROOT, "hv/tools/launch"), encoding="utf-8") as f:
            options = re.findall(r'add_argument\("(--[a-z-]+)"', f.read())
        self.assertEqual(len(options), 11)
        for option in [*options, "--help"]:
            self.assertIn(option, done.stdout)

    def test_with_a_terminal_there_is_a_console_and_how_to_leave_is_said_first_and_last(self):
        self.play("hello\n" + EXIT.format("ok"))
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        with subprocess.Popen([self.path("tree/run")], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=self.environment(FAKE=self.folder), cwd=self.folder) as process:
            os.close(slave)
            _, said = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, 0, said)
        before_boot = [line for line in said.splitlines() if line.startswith("run: ")][:-1]
        self.assertIn("Ctrl-a x leaves", before_boot[0])
        self.assertIn("Ctrl-a x leaves", before_boot[-1])
        self.assertIn("mon:stdio", self.command())
        self.assertNotIn("selftest", self.get("command"))

    def test_no_colour_where_none_is_wanted(self):
        self.assertNotIn("\033", self.run_it(TERM="xterm").stderr)
        for environment, coloured in (({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)):
            master, slave = pty.openpty()
            try:
                subprocess.run([self.path("tree/run")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=slave, check=False, timeout=LIMIT_S, cwd=self.folder,
                               env=self.environment(FAKE=self.folder, TERM="xterm", **environment))
                said = os.read(master, 65536)
            finally:
                os.close(slave)
                os.close(master)
            self.assertEqual(b"\033" in said, coloured, said)


if __name__ == "__main__":
    unittest.main()
