# SPDX-License-Identifier: BSD-2-Clause
import io
import shutil
import stat
import subprocess
import unittest

from support import FolderTest
from ashlar import newc


def archive_of(fill):
    out = io.BytesIO()
    writer = newc.Writer(out)
    fill(writer)
    writer.close()
    return out.getvalue()


def one_of_each(writer):
    writer.directory("dev")
    writer.char_device("dev/console", 5, 1)
    writer.file("init", b"#!/bin/sh\n", 0o755)
    writer.symlink("sh", "busybox")
    writer.file("empty", b"")


class Newc(FolderTest):
    def test_every_kind_of_entry_is_read_back(self):
        entries = newc.read(archive_of(one_of_each))
        self.assertEqual([e.name for e in entries], ["dev", "dev/console", "init", "sh", "empty"])
        self.assertEqual([stat.S_IFMT(e.mode) for e in entries],
                         [stat.S_IFDIR, stat.S_IFCHR, stat.S_IFREG, stat.S_IFLNK, stat.S_IFREG])
        self.assertEqual((entries[1].rdevmajor, entries[1].rdevminor), (5, 1))
        self.assertEqual(entries[2].data, b"#!/bin/sh\n")
        self.assertEqual(stat.S_IMODE(entries[2].mode), 0o755)
        self.assertEqual(entries[3].data, b"busybox")
        self.assertEqual(entries[4].data, b"")

    def test_owner_and_time_are_zero_and_inodes_differ(self):
        entries = newc.read(archive_of(one_of_each))
        self.assertEqual({(e.uid, e.gid, e.mtime) for e in entries}, {(0, 0, 0)})
        self.assertEqual(len({e.ino for e in entries}), len(entries))

    def test_a_time_is_kept_where_the_format_has_room(self):
        times = (1.9, 0xFFFFFFFF, 1 << 32, -1)
        entries = newc.read(archive_of(lambda w: [w.file(str(t), b"", mtime=t) for t in times]))
        self.assertEqual([e.mtime for e in entries], [1, 0xFFFFFFFF, 0, 0])

    def test_every_header_and_content_is_aligned_for_any_length(self):
        for length in range(9):
            archive = archive_of(lambda w, n=length: (w.file("x" * (n + 1), b"y" * n), w.file("z", b"z")))
            self.assertEqual(len(archive) % 4, 0)
            entries = newc.read(archive)
            self.assertEqual([e.data for e in entries], [b"y" * length, b"z"])

    def test_the_same_entries_give_the_same_bytes(self):
        self.assertEqual(archive_of(one_of_each), archive_of(one_of_each))

    def test_a_known_header_is_exact(self):
        # From the format: magic, 13 fields of 8 hexadecimal digits, the name, padding to 4.
        archive = archive_of(lambda w: w.file("a", b"hello"))
        self.assertEqual(archive[:112], b"070701" b"00000001" b"000081A4" b"00000000" b"00000000" b"00000001"
                         b"00000000" b"00000005" b"00000000" b"00000000" b"00000000" b"00000000" b"00000002"
                         b"00000000" b"a\0")
        self.assertEqual(archive[112:120], b"hello\0\0\0")

    @unittest.skipUnless(shutil.which("cpio"), "no cpio here")
    def test_cpio_itself_reads_it(self):
        listing = subprocess.run(["cpio", "-tv", "--quiet"], input=archive_of(one_of_each), capture_output=True,
                                 check=True)
        lines = listing.stdout.decode().splitlines()
        self.assertEqual(listing.stderr, b"")
        self.assertEqual(len(lines), 5)
        self.assertTrue(lines[1].startswith("crw-------") and "5,   1" in lines[1], lines[1])
        self.assertTrue(lines[3].endswith("sh -> busybox"), lines[3])

    def test_names_that_an_archive_cannot_hold_are_refused(self):
        for name in ("", "/etc", "a\0b", "TRAILER!!!"):
            with self.subTest(name=name), self.assertRaises(newc.NewcError):
                archive_of(lambda w, n=name: w.file(n, b""))

    def test_a_name_twice_is_refused(self):
        with self.assertRaisesRegex(newc.NewcError, "twice"):
            archive_of(lambda w: (w.file("a", b""), w.directory("a")))

    def test_a_broken_archive_is_refused_wherever_it_is_cut(self):
        archive = archive_of(one_of_each)
        for cut in range(len(archive) - 4):
            with self.subTest(cut=cut), self.assertRaises(newc.NewcError):
                newc.read(archive[:cut])


if __name__ == "__main__":
    unittest.main()
