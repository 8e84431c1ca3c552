# SPDX-License-Identifier: BSD-2-Clause
"""Where VMs come from, what is said about wrong ones, and where their memory lies."""
import os
import subprocess
import unittest

from support import GUESTS, ROOT, SystemTest, vm

HV = os.path.join(ROOT, "build/qemu-virt/hv/hv.bin")
MACHINE = "virt,virtualization=on,gic-version=3"


def with_memory(node, memory):
    return node.replace("memory = <0x0 0x200000>", f"memory = <{memory}>")


class Mistakes(SystemTest):
    def test_each_mistake_is_one_line_the_same_as_off_line_and_the_good_vm_runs(self):
        folder = self.folder(
            vm("good", 1, "hello.bin", [1]),
            vm("no-file", 2, "nothing.bin", [2]),
            vm("vmid-twice", 1, "hello.bin", [2]),
            vm("no-such-cpu", 4, "hello.bin", [9]),
            vm("cells", 5, "hello.bin", [2]).replace("<0x0 0x200000>", "<0x200000>"),
            vm("unknown", 6, "hello.bin", [2], "colour = \"red\";"),
            with_memory(vm("too-large", 7, "hello.bin", [2]), "0x100 0x0"),
            with_memory(vm("over-hv", 8, "hello.bin", [2]), "0x0 0x40200000 0x0 0x200000"),
            with_memory(vm("over-bundle", 9, "hello.bin", [2]), "0x0 0x48000000 0x0 0x200000"),
            with_memory(vm("no-ram", 10, "hello.bin", [2]), "0x0 0x20000000 0x0 0x200000"),
            with_memory(vm("twice-a", 11, "hello.bin", [2]), "0x0 0x50000000 0x0 0x400000"),
            with_memory(vm("twice-b", 12, "hello.bin", [3]), "0x0 0x50200000 0x0 0x200000"),
            vm("huge", 13, "huge.bin", [3]),
            vm("setup", 14, "hello.bin", [3], "setup_data = <0x0 0x40100000>;"),
            files=("hello.bin",))
        with open(os.path.join(folder, "huge.bin"), "wb") as f:
            f.write(b"x" * 0x300000)
        ran = self.boot("--bundle", folder, "--timeout", "60")
        self.assert_exit(3, ran)
        self.assert_says(r"^\[good\] hello from EL1", ran)
        self.assert_says(r"^\[twice-a\] hello from EL1", ran)
        self.assert_says(r"^ashlar: exit status=vm-fault vm=no-file ", ran)
        said = [line.removeprefix("ashlar: ") for line in ran[1].splitlines() if line.startswith("ashlar: vms.dtb: ")]
        self.assertEqual(12, len(said), "\n".join(said))
        checked = subprocess.run([os.path.join(ROOT, "hv/tools/mkbundle"), "--check", folder], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(3, checked.returncode)
        self.assertEqual(said, [line for line in checked.stdout.splitlines() if line.startswith("vms.dtb: ")])

    def test_a_truncated_bundle_is_refused_as_a_whole(self):
        folder = self.folder(vm("good", 1, "hello.bin", [1]), files=("hello.bin",))
        path = os.path.join(folder, "cut.cpio")
        subprocess.run([os.path.join(ROOT, "hv/tools/mkbundle"), folder, "-o", path], check=True,
                       stderr=subprocess.DEVNULL)
        os.truncate(path, os.path.getsize(path) - 200)
        ran = self.boot("--bundle", path, "--timeout", "60")
        self.assert_exit(3, ran)
        self.assert_says(r"^ashlar: bundle: .* (reaches past the end of the archive|is cut, or the archive has no end)",
                         ran)


class Places(SystemTest):
    def emulate(self, *options, hv=HV):
        """A board that ./run does not make: the emulator itself. Its console."""
        done = subprocess.run(["qemu-system-aarch64", "-M", MACHINE, "-cpu", "cortex-a53", "-smp", "4", "-m", "1G",
                               "-nic", "none", "-display", "none", "-monitor", "none", "-serial", "stdio", "-kernel",
                               hv, "-append", "ashlar.nonce=5", *options], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        return 0, done.stdout.decode(errors="replace").replace("\r", "")

    def test_a_guest_of_more_than_1_gib_above_4_gib(self):
        folder = self.folder(with_memory(vm("high", 1, "basics.bin", [0, 1]), "0x0 0x50000000"), files=("basics.bin",))
        ran = self.boot("--bundle", folder, "--memory", "6G", "--timeout", "120")
        self.assert_exit(0, ran)
        self.assert_says(r"^ashlar: VM 1 high: 1280 MiB at 0x1[0-9a-f]{8}, ", ran)
        self.assert_says(r"^BASICS PASS", ran)

    def test_a_guest_whose_memory_is_no_one_piece_of_the_machine_s(self):
        # 512 MiB with the bundle at 128 MiB: no more than 380 MiB lie together.
        folder = self.folder(with_memory(vm("pieces", 1, "basics.bin", [0, 1]), "0x0 0x19000000"),
                             files=("basics.bin",))
        ran = self.boot("--bundle", folder, "--memory", "512M", "--timeout", "120")
        self.assert_exit(0, ran)
        self.assert_says(r"^ashlar: VM 1 pieces: 400 MiB at 0x[0-9a-f]+ and elsewhere, ", ran)
        self.assert_says(r"^BASICS PASS", ran)

    def edited_tree(self, folder, edit):
        """The emulated board's tree, its text through @edit."""
        tree = os.path.join(folder, "board.dtb")
        subprocess.run(["qemu-system-aarch64", "-M", f"{MACHINE},dumpdtb={tree}", "-cpu", "cortex-a53", "-smp",
                        "4", "-m", "1G", "-nic", "none", "-display", "none"], stderr=subprocess.DEVNULL,
                       check=True)
        text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", tree], capture_output=True, text=True,
                              check=True).stdout
        subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", tree], input=edit(text), text=True, check=True)
        return tree

    def test_the_tree_says_how_far_apart_the_redistributors_are(self):
        folder = self.folder(vm("hello", 1, "hello.bin", [1]), files=("hello.bin",))
        for stride, says in (("0x20000", r"^hello from EL1"),
                             ("0x40000", r"^ashlar: PANIC on CPU 1: ")):
            tree = self.edited_tree(folder, lambda text, stride=stride: text.replace(
                "#redistributor-regions", f"redistributor-stride = <0 {stride}>; #redistributor-regions"))
            bundle = os.path.join(folder, "stride.cpio")
            subprocess.run([os.path.join(ROOT, "hv/tools/mkbundle"), folder, "-o", bundle], check=True,
                           stderr=subprocess.DEVNULL)
            self.assert_says(says, self.emulate("-dtb", tree, "-initrd", bundle))

    def test_more_cpus_than_hv_has_room_for_are_named(self):
        folder = self.folder(vm("hello", 1, "hello.bin", [15]), files=("hello.bin",))
        ran = self.boot("--bundle", folder, "--cpus", "19", "--timeout", "60")
        self.assert_exit(0, ran)
        self.assert_says(r"^ashlar: device tree: 3 CPUs more than hv has room for: they stay off", ran)
        self.assert_says(r"^hello from EL1", ran)

    def test_vms_in_the_board_s_tree_and_an_image_that_the_boot_loader_left_in_memory(self):
        folder = self.folder()
        node = with_memory(vm("left", 1, "x", [1]), "0x0 0x50000000 0x0 0x200000")
        node = node.replace('kernel = "x";', "entry = <0x0 0x50080000>; setup_data = <0x0 0x50001000>;")
        tree = self.edited_tree(folder, lambda text: text + "/ { vms {" + node + vm("lacking", 2, "hello.bin", [2])
                                + "}; };\n")
        ran = self.emulate("-dtb", tree, "-device",
                           f"loader,file={os.path.join(GUESTS, 'hello.bin')},addr=0x50080000,force-raw=on")
        self.assert_says(r'^ashlar: device tree: VM lacking: /vms/lacking: kernel = "hello.bin": cannot be found', ran)
        self.assert_says(r"^ashlar: VM 1 left: 2 MiB at 0x50000000, ", ran)
        self.assert_says(r"^hello from EL1, device tree at 0x0000000050001000", ran)
        self.assert_says(r"^ashlar: exit status=vm-fault vm=lacking nonce=5", ran)

    def test_hv_runs_at_any_page(self):
        """Elsewhere than where it is linked: by its header's text_offset."""
        folder = self.folder(vm("one", 1, "hello.bin", [1]), files=("hello.bin",))
        bundle, hv = os.path.join(folder, "bundle.cpio"), os.path.join(folder, "hv.bin")
        subprocess.run([os.path.join(ROOT, "hv/tools/mkbundle"), folder, "-o", bundle], check=True,
                       stderr=subprocess.DEVNULL)
        for offset in (0x80000, 0x5001000):
            with self.subTest(offset=offset):
                with open(HV, "rb") as f:
                    image = bytearray(f.read())
                image[8:16] = offset.to_bytes(8, "little")
                with open(hv, "wb") as f:
                    f.write(image)
                ran = self.emulate("-initrd", bundle, hv=hv)
                self.assert_says(r"^hello from EL1", ran)
                self.assert_says(r"^ashlar: exit status=ok vm=one nonce=5", ran)

    def test_a_bundle_that_is_part_of_hv(self):
        folder = self.folder(vm("inside", 1, "hello.bin", [1]), files=("hello.bin",))
        bundle, build = os.path.join(folder, "inside.cpio"), os.path.join(folder, "build")
        subprocess.run([os.path.join(ROOT, "hv/tools/mkbundle"), folder, "-o", bundle], check=True,
                       stderr=subprocess.DEVNULL)
        subprocess.run(["cmake", "-S", ROOT, "-B", build, "-DBSP=qemu-virt", f"-DHV_BUNDLE={bundle}", "--toolchain",
                        os.path.join(ROOT, "toolchains/aarch64.cmake")], stdout=subprocess.DEVNULL, check=True)
        subprocess.run(["cmake", "--build", build, "--target", "hv", "-j", "2"], stdout=subprocess.DEVNULL, check=True)
        ran = self.emulate(hv=os.path.join(build, "hv/hv.bin"))
        self.assert_says(r"^ashlar: bundle: \d+ KiB, 2 files, linked into hv", ran)
        self.assert_says(r"^hello from EL1", ran)
        self.assert_says(r"^ashlar: exit status=ok vm=inside nonce=5", ran)


if __name__ == "__main__":
    unittest.main()
