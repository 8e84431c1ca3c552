# SPDX-License-Identifier: BSD-2-Clause
import os
import shutil
import subprocess
import unittest

from support import TOOLS, FolderTest

SYMBOLIZE = os.path.join(TOOLS, "symbolize")
SOURCE = """\
void callee(void)
{
    __asm__ volatile("");
}

void caller(void)
{
    callee();
    __asm__ volatile("");
}
"""


class Symbolize(FolderTest):
    def symbolize(self, text, *arguments):
        return subprocess.run([SYMBOLIZE, *arguments], input=text, capture_output=True, text=True, check=False)

    def test_function_file_and_line_are_appended_to_backtrace_lines_only(self):
        if not shutil.which("aarch64-linux-gnu-gcc"):
            self.skipTest("no aarch64-linux-gnu-gcc here")
        source = self.put("x.c", SOURCE)
        elf = self.path("hv.elf")
        subprocess.run(["aarch64-linux-gnu-gcc", "-g", "-O1", "-fno-inline", "-ffreestanding", "-nostdlib", "-static",
                        "-Wl,-Ttext=0x40200000,-e,callee", "-o", elf, source], check=True)
        table = subprocess.run(["aarch64-linux-gnu-nm", elf], check=True, capture_output=True, text=True).stdout
        at = {line.split()[2]: int(line.split()[0], 16) for line in table.splitlines()}
        code = subprocess.run(["aarch64-linux-gnu-objdump", "-d", elf], check=True, capture_output=True, text=True)
        call = next(line for line in code.stdout.splitlines() if "\tbl\t" in line)
        returns_to = int(call.split(":")[0], 16) + 4 - at["callee"]
        log = (f"ashlar: PANIC on CPU 0\n  #0 0x80000 (hv+0x0)\r\n"
               f"ashlar:   #1 0x80010 (hv+{returns_to:#x})\n[linux] #2 is not one\n  #3 0x1 (hv+0xfffff0)\n")
        done = self.symbolize(log, "--elf", elf)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "ashlar: PANIC on CPU 0")
        self.assertRegex(lines[1], r"\) callee \S*x\.c:[234]$")
        # The line of the call, not of what comes after it.
        self.assertRegex(lines[2], r"^ashlar:   #1 .*\) caller \S*x\.c:8$")
        self.assertEqual(lines[3], "[linux] #2 is not one")
        self.assertIn("not in this hv.elf", lines[4])

    def test_a_missing_elf_is_told_in_words(self):
        done = self.symbolize("", "--elf", self.path("nothing"))
        self.assertEqual(done.returncode, 2)
        self.assertTrue(done.stderr.startswith("symbolize: "), done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_what_is_no_elf_is_told_in_words(self):
        for content in (b"", b"a text"):
            done = self.symbolize("  #0 0x40200010 (hv+0x10)\n", "--elf", self.put("text", content))
            self.assertEqual((2, f"symbolize: {self.path('text')} is not an ELF file\n"),
                             (done.returncode, done.stderr))


if __name__ == "__main__":
    unittest.main()
