# SPDX-License-Identifier: BSD-2-Clause
"""elf.py on small images with one fault each, linked for the occasion, and its decoder on single words."""
import os
import shutil
import subprocess
import tempfile
import unittest

from support import TreeTest

import elf
import elfread

SCRIPT = """\
ENTRY(_start)
PHDRS { text PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); }
SECTIONS
{
    . = 0;
    .text : { *(.head) *(.text .text.*) } :text
    .data : ALIGN(4096) { *(.data) . = ALIGN(4096); } :data
    .bss (NOLOAD) : { *(.bss) . = ALIGN(4096); } :data
    __image_end = .;
    /DISCARD/ : { *(.note .note.* .comment .eh_frame) }
}
"""
START = """\
    .section .head, "ax"
    .globl _start
_start: b main
    .long 0
    .quad 0, __image_end - _start, 0xa, 0, 0, 0
    .ascii "ARM\\x64"
    .long 0
    .text
    .globl main
main: ldr x0, =0x123456789
    ret
    .ltorg
    .data
    .quad 1
    .bss
    .zero 8192
"""
FP = "\n    .text\n    .globl copies\ncopies: ldp q0, q1, [x0]\n    msr fpcr, x0\n"
FIT = "\n    .text\n    .balign 4096\n    .zero 4088\n"
SEQUENCE = "    adrp x0, _start\n    ldr x1, [x2]\n    {}ldr x3, [x0, #8]\n"


class Image(TreeTest):
    def image(self, source=START, script=SCRIPT, libfdt="nop\n", fp="nop\n", link=(), linker="bfd"):
        """A build folder with hv.elf, hv.bin and hv.map from hv.S, a libfdt.a and libvcpu's fp.S."""
        folder = os.path.join(self.root, "build")
        self.put("build/hv.lds", script)
        compiler = ["aarch64-linux-gnu-gcc"] if linker == "bfd" else ["clang", "--target=aarch64-linux-gnu"]
        commands = []
        for name, text, archive in (("hv.S", source, None), ("fdt.S", libfdt, "libfdt.a"),
                                    ("fp.S", fp, "libvcpu_el2.a")):
            self.put(f"build/{name}", text)
            commands.append([*compiler, "-c", name, "-o", name + ".obj"])
            if archive:
                commands.append(["ar", "rcs", archive, name + ".obj"])
        repair = ["-mno-fix-cortex-a53-843419"] if linker == "bfd" else []  # Debian's GCC asks for it unasked
        commands.append([*compiler, f"-fuse-ld={linker}", "-nostdlib", "-static", *repair, "-Wl,--build-id=none",
                         "-Wl,-Map,hv.map", "-Wl,-z,max-page-size=4096", "-Wl,-z,norelro", *link, "-T", "hv.lds",
                         "hv.S.obj", "-Wl,--whole-archive", "libfdt.a", "libvcpu_el2.a", "-Wl,--no-whole-archive",
                         "-o", "hv.elf"])
        commands.append(["aarch64-linux-gnu-objcopy", "-O", "binary", "hv.elf", "hv.bin"])
        for command in commands:
            subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL)
        return folder

    def test_a_good_image_passes(self):
        self.assert_clean("elf.py", self.image())

    @unittest.skipUnless(shutil.which("clang") and shutil.which("ld.lld"), "clang or lld is not installed")
    def test_llds_image_and_map_are_understood(self):
        self.assert_clean("elf.py", self.image(libfdt=FP, fp=FP.replace("copies", "saves"), linker="lld"))
        self.assert_finds("elf.py", "build/hv.elf: ", "copies", self.image(START + FP, linker="lld"))

    def test_fp_registers_are_found_but_in_libfdt_and_the_save_and_restore(self):
        self.assert_finds("elf.py", "build/hv.elf: ", "copies", self.image(START + FP))
        self.assert_clean("elf.py", self.image(libfdt=FP))
        self.assert_clean("elf.py", self.image(fp=FP))

    def test_a_debug_section_at_the_same_address_excuses_nothing(self):
        debug = "    .section .debug_x, \"\", %progbits\n    .zero {}\n"
        for linker in ("bfd", "lld") if shutil.which("clang") and shutil.which("ld.lld") else ("bfd",):
            folder = self.image(START + FP + debug.format(0x44), libfdt="nop\n" + debug.format(4096), linker=linker)
            self.assert_finds("elf.py", "build/hv.elf: ", "copies", folder)

    def test_data_in_text_is_no_instruction(self):
        self.assert_clean("elf.py", self.image(START + "\n    .text\n    .long 0x4c000000, 0xffffffff\n"))

    def test_the_erratum_sequence_is_found(self):
        for between in ("", "nop\n    "):
            folder = self.image(START + FIT + SEQUENCE.format(between))
            self.assert_finds("elf.py", "build/hv.elf: ", "843419", folder)

    def test_the_linkers_repair_of_the_sequence_passes(self):
        self.assert_clean("elf.py", self.image(START + FIT + SEQUENCE.format(""), link=["-Wl,--fix-cortex-a53-843419"]))

    def test_each_wrong_segment_is_found(self):
        for old, new, reason in (
                ("FLAGS(5)", "FLAGS(7)", "writable and executable"),
                (".data : ALIGN(4096)", ".data :", "share a page"),
                ("ENTRY(_start)", "ENTRY(main)", "is entered at"),
                ("PHDRS {", "PHDRS { interp PT_INTERP;", "interpreter")):
            with self.subTest(reason=reason):
                script = SCRIPT.replace(old, new)
                if "interp" in new:
                    script = script.replace("    .data :", "    .interp : { BYTE(0) } :text :interp\n    .data :")
                self.assert_finds("elf.py", "build/hv.", reason, self.image(script=script))

    def test_each_wrong_header_field_is_found(self):
        for old, new, reason in (
                ("_start: b main", "_start: nop", "no branch"),
                ("__image_end - _start", "4096", "does not cover bss"),
                ("0xa,", "0xb,", "big endian"),
                ("0xa,", "0xc,", "page size"),
                ("0xa,", "0x2,", "anywhere"),
                ("0xa,", "0x1a,", "reserved flags"),
                (".quad 0, __image", ".quad 16, __image", "text_offset"),
                ("ARM", "MRA", "magic")):
            with self.subTest(new=new):
                self.assert_finds("elf.py", "build/hv.bin: ", reason, self.image(START.replace(old, new)))

    def test_a_cut_image_is_found(self):
        folder = self.image()
        os.truncate(os.path.join(folder, "hv.bin"), 100)
        self.assert_finds("elf.py", "build/hv.bin: ", "loaded contents end", folder)

    def test_a_stripped_image_is_no_success(self):
        folder = self.image()
        subprocess.run(["aarch64-linux-gnu-strip", "hv.elf"], cwd=folder, check=True)
        self.assert_finds("elf.py", "build/hv.elf: ", "mapping symbols", folder)

    def test_an_image_that_was_not_built_is_said(self):
        self.assert_finds("elf.py", "", "hv.elf was not built", self.root)


class Decoder(unittest.TestCase):
    def assemble(self, lines):
        """What the assembler makes of the lines."""
        with tempfile.TemporaryDirectory(prefix="ashlar-lint-") as folder:
            path = os.path.join(folder, "a.o")
            subprocess.run(["aarch64-linux-gnu-as", "-march=armv8.2-a+sve", "-o", path, "-"],
                           input="\n".join(lines) + "\n", text=True, check=True)
            with open(path, "rb") as f:
                object_file = elfread.Elf(f.read())
        text = next(i for i, s in enumerate(object_file.sections) if s.name == ".text")
        return next(elf.code_runs(object_file, text))[1]

    def test_fp_instructions_are_told_from_others(self):
        fp = ("ldr q0, [x0]", "str d1, [x0, x1]", "ldp s0, s1, [x0]", "ldr d0, .", "fmov x0, d0", "movi v0.4s, #0",
              "ld1 {v0.4s}, [x0]", "st1 {v0.4s}, [x0]", "mrs x0, fpcr", "msr fpsr, x0", "ptrue p0.b", "dup v0.4s, w1")
        others = ("ldr x0, [x0]", "ldp x0, x1, [x0]", "ldr x0, .", "prfm pldl1keep, [x0]", "madd x0, x1, x2, x3",
                  "crc32w w0, w1, w2", "adrp x0, .", "msr cptr_el2, x0", "stxr w0, x1, [x2]", "b.eq .", "ret", "svc #1")
        for lines, expected in ((fp, True), (others, False)):
            for line, word in zip(lines, self.assemble(lines)):
                self.assertEqual(elf.is_fp(word), expected, line)

    def test_branches_are_told_from_others(self):
        branches = ("b .", "bl .", "b.ne .", "cbz x0, .", "tbnz x0, #1, .", "br x0", "blr x0", "ret")
        others = ("nop", "dsb sy", "msr daifset, #2", "add x0, x0, #1", "ldr x0, [x1]")
        for lines, expected in ((branches, True), (others, False)):
            for line, word in zip(lines, self.assemble(lines)):
                self.assertEqual(elf.is_branch(word), expected, line)

    def test_what_a_load_or_store_writes(self):
        for line, register, expected in (
                ("ldr x0, [x1, #8]", 0, True), ("ldr x0, [x1, #8]", 1, False), ("str x0, [x1, #8]", 0, False),
                ("ldr x0, [x1], #8", 1, True), ("str x0, [x1, #8]!", 1, True), ("ldur x0, [x1, #-1]", 0, True),
                ("ldr x0, [x1, x2]", 0, True), ("ldr x0, [x1, x2]", 1, False), ("ldr d0, [x1]", 0, False),
                ("ldr x0, .", 0, True), ("stp x0, x1, [x2], #16", 2, True), ("stp x0, x1, [x2]", 2, False),
                ("stxr w3, x0, [x1]", 3, True), ("ldxr x0, [x1]", 0, True), ("stlr x0, [x1]", 0, False)):
            self.assertEqual(elf.writes(self.assemble([line])[0], register), expected, f"{line}: x{register}")

    def test_only_the_erratums_sequences_are_found(self):
        for lines, offset, expected in (
                (("adrp x0, .", "ldr x1, [x2]", "ldr x3, [x0, #8]"), 0xFF8, True),
                (("adrp x0, .", "ldr x1, [x2]", "ldr x3, [x0, #8]"), 0xFFC, True),
                (("adrp x0, .", "ldr x1, [x2]", "ldr x3, [x0, #8]"), 0xFF4, False),
                (("adrp x0, .", "ldr x1, [x2]", "nop", "str q3, [x0, #16]"), 0xFF8, True),
                (("adrp x0, .", "stp x1, x2, [x3]", "nop", "ldr x3, [x0, #8]"), 0xFFC, True),
                (("adrp x0, .", "ldp x1, x2, [x3]", "nop", "ldr x3, [x0, #8]"), 0xFFC, False),
                (("adrp x0, .", "ldr x0, [x2]", "ldr x3, [x0, #8]"), 0xFFC, False),
                (("adrp x0, .", "add x1, x1, #1", "ldr x3, [x0, #8]"), 0xFFC, False),
                (("adrp x0, .", "ldr x1, [x2]", "cbz x1, .", "ldr x3, [x0, #8]"), 0xFFC, False),
                (("adrp x0, .", "ldr x1, [x2]", "ldur x3, [x0, #8]"), 0xFFC, False),
                (("adrp x0, .", "ldr x1, [x2]", "ldr x3, [x4, #8]"), 0xFFC, False),
                (("adr x0, .", "ldr x1, [x2]", "ldr x3, [x0, #8]"), 0xFFC, False)):
            self.assertEqual(elf.erratum_843419(self.assemble(lines), 0, 0x1000 + offset), expected, lines)


if __name__ == "__main__":
    unittest.main()
