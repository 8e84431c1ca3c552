# SPDX-License-Identifier: BSD-2-Clause
"""Root disks, made by this machine's mke2fs and judged by its e2fsck and debugfs."""
import os
import subprocess
import time
import unittest

from support import FolderTest
from ashlar import disk
from ashlar.common import ToolError
from test_initramfs import BUSYBOX

INIT = b"#!/bin/sh\necho begun\n"


class Disk(FolderTest):
    def make(self, name="disk.ext4", **more):
        path = self.path(name)
        disk.root(path, 16, BUSYBOX, INIT, **more)
        return path

    def ask(self, path, command):
        return subprocess.run([disk.program("debugfs"), "-R", command, path], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True).stdout

    def test_an_image_has_its_size_and_a_clean_file_system(self):
        path = self.make()
        self.assertEqual(16 << 20, os.path.getsize(path))
        subprocess.run([disk.program("e2fsck"), "-fn", path], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def test_init_busybox_and_its_commands_are_there(self):
        path = self.make(files={"bin/more-of-it": b"a program"})
        self.assertEqual(INIT, self.ask(path, "cat /init"))
        self.assertEqual(BUSYBOX, self.ask(path, "cat /bin/busybox"))
        self.assertEqual(b"a program", self.ask(path, "cat /bin/more-of-it"))
        self.assertIn(b'Fast link dest: "busybox"', self.ask(path, "stat /bin/sh"))
        self.assertIn(b"Mode:  0755", self.ask(path, "stat /init"))

    def test_whoever_makes_it_root_owns_all_of_it(self):
        path = self.make()
        for folder in ("/", "/bin"):
            for line in self.ask(path, f"ls -l {folder}").decode().splitlines():
                if line.strip():
                    self.assertEqual(["0", "0"], line.split()[3:5], line)

    def test_the_same_files_make_the_same_image(self):
        first = self.make("first")
        time.sleep(1.1)  # what is told in seconds would tell them apart
        second = self.make("second")
        with open(first, "rb") as a, open(second, "rb") as b:
            self.assertTrue(a.read() == b.read())

    def test_what_does_not_fit_is_told_and_leaves_no_image(self):
        with self.assertRaisesRegex(ToolError, "mke2fs"):
            self.make(files={"bin/large": b"\x01" * (20 << 20)})
        self.assertEqual([], os.listdir(self.folder))

    def test_what_linux_could_not_start_is_refused(self):
        with self.assertRaisesRegex(ToolError, "AArch64"):
            disk.root(self.path("d"), 16, BUSYBOX.replace(b"\xb7", b"\x3e"), INIT)

    def test_a_missing_tool_is_told_by_its_package(self):
        with self.assertRaisesRegex(ToolError, "apt-get install e2fsprogs"):
            disk.program("no-such-tool")


if __name__ == "__main__":
    unittest.main()
