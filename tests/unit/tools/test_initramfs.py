# SPDX-License-Identifier: BSD-2-Clause
import hashlib
import io
import os
import re
import stat
import subprocess
import unittest

from support import ROOT, FolderTest
from ashlar import initramfs, newc
from ashlar.common import ToolError

INIT = os.path.join(ROOT, "bsp/qemu-virt/demo/init")
ELF = b"\x7fELF\x02\x01" + bytes(12) + b"\xb7\x00"
BUSYBOX = ELF + b"junk\0[\0[[\0awk\0busybox\0poweroff\0sh\0\0more\0"


class Initramfs(FolderTest):
    def write(self, busybox=BUSYBOX, init=b"#!/bin/sh\n", modules=None):
        out = io.BytesIO()
        initramfs.write(out, busybox, init, modules)
        return {entry.name: entry for entry in newc.read(out.getvalue())}

    def test_init_and_the_nodes_it_starts_with_are_there(self):
        entries = self.write()
        self.assertEqual(stat.S_IMODE(entries["init"].mode), 0o755)
        console = entries["dev/console"]
        self.assertTrue(stat.S_ISCHR(console.mode))
        self.assertEqual((console.rdevmajor, console.rdevminor), (5, 1))
        self.assertEqual((entries["dev/ttyAMA0"].rdevmajor, entries["dev/ttyAMA0"].rdevminor), (204, 64))

    def test_every_command_is_a_link_to_busybox(self):
        entries = self.write()
        for name in ("[", "[[", "awk", "poweroff", "sh"):
            self.assertEqual(entries[f"bin/{name}"].data, b"busybox")
        self.assertTrue(stat.S_ISREG(entries["bin/busybox"].mode))

    def test_modules_of_the_kernel_are_in_their_folder(self):
        paths = [self.put("b.ko", "second"), self.put("a/a.ko", "first")]
        entries = self.write(modules=initramfs.read_modules(paths))
        self.assertEqual([n for n in entries if n.startswith("lib/modules/")], ["lib/modules/a.ko", "lib/modules/b.ko"])
        self.assertEqual(entries["lib/modules/a.ko"].data, b"first")

    def test_folders_come_before_what_is_in_them(self):
        names = list(self.write())
        for name in names:
            if "/" in name:
                self.assertLess(names.index(os.path.dirname(name)), names.index(name))

    def test_another_machines_busybox_is_refused(self):
        with self.assertRaisesRegex(ToolError, "AArch64"):
            self.write(b"\x7fELF\x02\x01" + bytes(12) + b"\x3e\x00" + BUSYBOX[20:])

    def test_a_busybox_without_a_list_of_commands_is_refused(self):
        for bad in (ELF, ELF + b"\0[\0[[\0awk\0\0", ELF + b"\0[\0[[\0sh\0awk\0\0"):
            with self.subTest(bad=bad), self.assertRaisesRegex(ToolError, "commands"):
                self.write(bad)

    def test_an_init_that_the_kernel_could_not_start_is_refused(self):
        with self.assertRaisesRegex(ToolError, "#!/bin/sh"):
            self.write(init=b"echo\n")


class DemoInit(unittest.TestCase):
    def setUp(self):
        with open(INIT, encoding="utf-8") as f:
            self.text = f.read()

    def test_it_is_shell_without_syntax_errors(self):
        subprocess.run(["sh", "-n", INIT], check=True)

    def test_its_checksum_is_that_of_its_stream(self):
        word, count = re.search(r"yes (\w+) \| head -c (\d+) \| sha256sum", self.text).groups()
        line = word.encode() + b"\n"
        stream = (line * (int(count) // len(line) + 1))[:int(count)]
        self.assertIn(f'[ "$sum" = {hashlib.sha256(stream).hexdigest()} ]', self.text)

    def test_its_floating_point_result_is_right(self):
        last = int(re.search(r"i <= (\d+)", self.text).group(1))
        total = 0.0
        for i in range(1, last + 1):
            total += 1 / (i * i)
        self.assertIn(f'[ "$float" = {total:.15f} ]', self.text)


if __name__ == "__main__":
    unittest.main()
