# SPDX-License-Identifier: BSD-2-Clause
"""A Raspberry Pi 3 as a board: how hv comes to it, its consoles, models, clock, reset and off (QEMU's raspi3b)."""
import os
import struct
import subprocess
import sys
import unittest

from support import ROOT, SystemTest, vm

sys.path.insert(0, os.path.join(ROOT, "hv/tools"))
from ashlar import boards, build  # noqa: E402

IMAGE = os.path.join(ROOT, "build/rpi3/hv/kernel8.img")
CONSOLE = "ashlar: Ashlar "
TREE_AT, BUNDLE_AT, IMAGE_AT = 0x08000000, 0x09000000, 0x00200000
# MOVZ x0, #TREE_AT >> 16, LSL 16; MOVZ x1, #IMAGE_AT >> 16, LSL 16; BR x1: all of a boot loader that a CPU out of reset
# finds at address 0.
RESET_CODE = struct.pack("<3I", 0xD2A00000 | (TREE_AT >> 16) << 5, 0xD2A00001 | (IMAGE_AT >> 16) << 5, 0xD61F0020)


class Board(SystemTest):
    @classmethod
    def setUpClass(cls):
        build.build_hv(ROOT, "rpi3", os.path.join(ROOT, "build/rpi3"))
        cls.tree = build.board_tree(ROOT, "rpi3", None)

    def bundle(self, *vms):
        folder = self.folder(*(vms or [vm("hello", 1, "hello.bin", [3])]), files=("hello.bin",))
        with open(os.path.join(folder, "bundle.cpio"), "wb") as out:
            build.bundle.write(folder, out)
        return os.path.join(folder, "bundle.cpio")

    def emulate(self, *options, serial=("-serial", "null", "-serial", "stdio"), limit_s=60, ends=True):
        command = [*boards.machine_arguments("rpi3", None, None, None, tree=self.tree), *serial, "-display", "none",
                   "-monitor", "none", *options]
        if "-kernel" not in options:
            del command[command.index("-dtb"):command.index("-dtb") + 2]  # it would be put where the CPUs begin
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=limit_s, check=False)
        except subprocess.TimeoutExpired as error:
            self.assertFalse(ends, f"it does not end:\n{(error.stdout or b'').decode(errors='replace')}")
            return 0, (error.stdout or b"").decode(errors="replace").replace("\r", "")
        self.assertTrue(ends, "it ended")
        return done.returncode, done.stdout.decode(errors="replace").replace("\r", "")

    def changed_tree(self, more=""):
        """The board's tree as a boot loader hands it over, with what dtc takes behind it."""
        folder = self.folder()
        source, tree = os.path.join(folder, "board.dts"), os.path.join(folder, "board.dtb")
        subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", "-o", source, self.tree], check=True)
        with open(source, "a", encoding="ascii") as f:
            f.write(more)
        subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", tree, source], check=True)
        return tree

    def test_each_model_boots_and_turns_itself_off(self):
        folder = self.folder(vm("hello", 1, "hello.bin", [3]), files=("hello.bin",))
        for model, name in (("b", "Model B"), ("b-plus", r"Model B\+"), ("a-plus", r"Model A\+")):
            with self.subTest(model=model):
                ran = self.boot("--board", "rpi3", "--model", model, "--bundle", folder, "--timeout", "60")
                self.assert_exit(0, ran)
                self.assert_says(rf"^ashlar: Ashlar \S+ on Raspberry Pi 3 {name}, 4 CPUs", ran)
                self.assert_says(r"^hello from EL1", ran)

    def test_the_console_is_the_pl011_where_the_tree_says_so(self):
        tree = self.changed_tree('/ { chosen { stdout-path = "serial0:115200n8"; }; };\n')
        ran = self.emulate("-kernel", IMAGE, "-initrd", self.bundle(), "-append", "ashlar.nonce=5", "-dtb", tree,
                           serial=("-serial", "stdio", "-serial", "null"))
        self.assert_exit(0, ran)
        self.assert_says(rf"^{CONSOLE}", ran)
        self.assert_says(r"^hello from EL1", ran)
        self.assert_says(r"^ashlar: exit status=ok vm=hello nonce=5", ran)

    def test_without_a_stdout_path_the_console_is_serial0(self):
        tree = self.changed_tree("/ { chosen { /delete-property/ stdout-path; }; };\n")
        ran = self.emulate("-kernel", IMAGE, "-initrd", self.bundle(), "-append", "ashlar.nonce=5", "-dtb", tree,
                           serial=("-serial", "stdio", "-serial", "null"))
        self.assert_exit(0, ran)
        self.assert_says(r"^ashlar: exit status=ok vm=hello nonce=5", ran)

    def test_entered_at_el1_it_says_so_on_either_console_and_stops(self):
        for serial in (("-serial", "stdio"), ("-serial", "null", "-serial", "stdio")):
            ran = self.emulate("-kernel", IMAGE, "-global", "cortex-a53-arm-cpu.has_el2=off", "-global",
                               "cortex-a53-arm-cpu.has_el3=off", serial=serial, limit_s=4, ends=False)
            self.assert_says(r"^ashlar: not started at EL2\. config\.txt: arm_64bit=1", ran)

    def test_entered_at_el3_by_all_cpus_at_once_it_makes_itself_at_home(self):
        bundle = self.bundle(vm("hello", 1, "hello.bin", [3]), vm("other", 2, "hello.bin", [1]))
        folder = os.path.dirname(bundle)
        reset = os.path.join(folder, "reset.bin")
        with open(reset, "wb") as f:
            f.write(RESET_CODE)
        tree = self.changed_tree(f"""/ {{
            memory@0 {{ device_type = "memory"; reg = <0 0x3b000000>; }};
            chosen {{
                bootargs = "ashlar.nonce=5";
                linux,initrd-start = <{BUNDLE_AT}>;
                linux,initrd-end = <{BUNDLE_AT + os.path.getsize(bundle)}>;
            }};
        }};\n""")
        places = ((reset, 0), (IMAGE, IMAGE_AT), (tree, TREE_AT), (bundle, BUNDLE_AT))
        loaders = [word for file, at in places for word in ("-device", f"loader,file={file},addr={at:#x},force-raw=on")]
        ran = self.emulate(*loaders, "-global", "cortex-a53-arm-cpu.cntfrq=19200000")
        self.assert_exit(0, ran)
        self.assert_says(r"^ashlar: Ashlar \S+ on Raspberry Pi 3 Model B, 4 CPUs", ran)
        self.assert_says(r"^\[hello\] hello from EL1", ran)
        self.assert_says(r"^\[other\] hello from EL1", ran)
        self.assert_never_says(r"did not start", ran)
        self.assert_says(r"^ashlar: exit status=ok ", ran)

    def test_a_reset_begins_anew(self):
        # Again and again: the image is loaded whole, and with it goes what was noted before the reset.
        ran = self.emulate("-kernel", IMAGE, "-initrd", self.bundle(), "-append", "ashlar.nonce=5 ashlar.provoke=reset",
                           limit_s=8, ends=False)
        self.assertGreater(ran[1].count(CONSOLE), 2)
        self.assert_never_says("PANIC", ran)

    def test_what_does_not_fit_is_told_the_largest_free_range(self):
        ran = self.boot("--board", "rpi3", "--timeout", "60", "--bundle", self.folder(
            vm("large", 1, "hello.bin", [0], memory="0x0 0x40000000"), vm("hello", 2, "hello.bin", [1]),
            files=("hello.bin",)))
        self.assert_exit(3, ran)
        self.assert_says(r"VM large: .*memory = 0x40000000; free are 0x3[0-9a-f]{7}, the largest free range is 0x3",
                         ran)
        self.assert_says(r"^hello from EL1", ran)

    def test_the_demo_fits_and_its_guests_pass(self):
        ran = self.boot("--board", "rpi3")
        self.assert_exit(0, ran)
        for name in ("linux", "linux2"):
            self.assert_says(rf"^\[{name}\] SELFTEST PASS", ran)
        self.assert_says(r"^\[pi\] os: done", ran)
        self.assert_says(r"^ashlar: exit status=ok ", ran)


if __name__ == "__main__":
    unittest.main()
