# SPDX-License-Identifier: BSD-2-Clause
"""Firmware of strangers at EL2, without hv: libstage2, libvgic and libvirtio, each in a program of its own."""
import os
import subprocess
import tempfile
import unittest

from support import HERE, TOOLCHAIN, EmbedTest, copy_tree, run

MACHINE = ["qemu-system-aarch64", "-M", "virt,virtualization=on,gic-version=3", "-nic", "none", "-display", "none",
           "-monitor", "none", "-serial", "stdio"]
LIMIT_S = 60
# The library as its sources, a makefile of theirs, no CMake anywhere.
MAKEFILE = """\
include vendor/lib{library}/sources.mk
CC = aarch64-linux-gnu-gcc
CFLAGS = -std=c11 -ffreestanding -fno-builtin -fno-pie -fno-stack-protector -mgeneral-regs-only -mstrict-align \\
    -mno-outline-atomics -O2
sources = $(lib{library}_sources) $(lib{library}_el2_sources) $(wildcard start.S bare.c {library}.c {library}_guest.S)

{library}.elf: $(sources) bare.ld ; \\
    $(CC) $(CFLAGS) $(addprefix -I,$(lib{library}_includes)) -nostdlib -static -no-pie -Wl,--build-id=none -T bare.ld \\
    -o $@ $(sources)
"""


class Bare(EmbedTest):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="ashlar-embed-bare-")
        cls.addClassCleanup(holder.cleanup)
        cls.prefix, cls.firmware = cls.make(holder.name, "gcc")

    @classmethod
    def make(cls, folder, compiler):
        """(prefix, folder of the programs): the libraries installed, the programs made with them, by one compiler."""
        firmware = os.path.join(folder, "firmware")
        chosen = ["--toolchain", TOOLCHAIN, f"-DASHLAR_COMPILER={compiler}"]
        prefix = cls.install(os.path.join(folder, "prefix"), *chosen, "-DASHLAR_ONLY=stage2;vgic;virtio")
        for command in (["cmake", "-S", os.path.join(HERE, "bare"), "-B", firmware, *chosen,
                         f"-Dashlar_DIR={prefix}/lib/cmake/ashlar"], ["cmake", "--build", firmware]):
            code, said = run(command, folder)
            if code or "warning:" in said:
                raise RuntimeError(said)
        return prefix, firmware

    def boots(self, image, cpu="cortex-a53"):
        done = subprocess.run([*MACHINE, "-cpu", cpu, "-kernel", image], stdin=subprocess.DEVNULL, timeout=LIMIT_S,
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout, done.returncode), ("PASS\n", 0), done.stderr)

    def test_an_el1_program_runs_and_faults_under_stage_2_tables(self):
        for cpu in ("cortex-a53", "cortex-a72", "max"):
            self.boots(os.path.join(self.firmware, "stage2.elf"), cpu)

    def test_list_registers_interrupt_an_el1_program(self):
        for cpu in ("cortex-a53", "cortex-a72", "max"):
            self.boots(os.path.join(self.firmware, "vgic.elf"), cpu)

    def test_a_split_queue_is_served_in_memory(self):
        self.boots(os.path.join(self.firmware, "virtio.elf"))

    def test_a_disk_is_served_by_its_registers(self):
        self.boots(os.path.join(self.firmware, "virtio_blk.elf"))

    def test_the_same_by_the_other_compiler(self):
        _, firmware = self.make(self.folder, "clang")
        for program in ("stage2", "vgic", "virtio", "virtio_blk"):
            self.boots(os.path.join(firmware, f"{program}.elf"))

    def test_the_same_by_make_from_two_copied_folders(self):
        copy_tree(os.path.join(self.folder, "all"))
        for library in ("stage2", "vgic", "virtio"):
            folder = os.path.join(self.folder, library)
            for command in (["mkdir", "-p", f"{library}/vendor"], ["cp", "-r", f"all/lib{library}", "all/libbase",
                                                                  f"{library}/vendor"],
                            ["sh", "-c", f"cp all/tests/embed/bare/*.[chS] all/tests/embed/bare/bare.ld {library}"]):
                self.must(*command)
            with open(os.path.join(folder, "Makefile"), "w", encoding="ascii") as f:
                f.write(MAKEFILE.format(library=library))
            self.must("make", folder=folder)
            self.boots(os.path.join(folder, f"{library}.elf"))

    def test_the_install_has_the_el2_halves_and_nothing_unasked_for(self):
        self.assertEqual(sorted(os.listdir(os.path.join(self.prefix, "lib/ashlar"))),
                         ["libstage2.a", "libstage2_el2.a", "libvgic.a", "libvgic_el2.a", "libvirtio.a"])

    def test_a_hosted_build_is_refused_in_words(self):
        with open(os.path.join(self.folder, "CMakeLists.txt"), "w", encoding="ascii") as f:
            f.write("cmake_minimum_required(VERSION 3.21)\nproject(x C)\nfind_package(ashlar REQUIRED)\n")
        code, said = self.configure(self.folder, os.path.join(self.folder, "build"), self.prefix)
        self.assertNotEqual(code, 0)
        self.assertIn("it is freestanding (CMAKE_SYSTEM_NAME Generic), this build is hosted", " ".join(said.split()))


if __name__ == "__main__":
    unittest.main()
