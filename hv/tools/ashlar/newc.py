# SPDX-License-Identifier: BSD-2-Clause
"""cpio archives in the "newc" format (magic 070701), written and read.

The same bytes for the same entries: owner 0:0, time 0 unless one is given, inode numbers in order. No root is needed,
even for device nodes: they are only numbers in a header. Format: Linux,
Documentation/driver-api/early-userspace/buffer-format.rst.
"""
import collections
import os
import stat

from ashlar.common import ToolError

MAGIC = b"070701"
TRAILER = "TRAILER!!!"
FIELDS = ("ino", "mode", "uid", "gid", "nlink", "mtime", "filesize", "devmajor", "devminor", "rdevmajor", "rdevminor",
          "namesize", "check")
HEADER_SIZE = len(MAGIC) + 8 * len(FIELDS)
MAX_FIELD = 0xFFFFFFFF

Entry = collections.namedtuple("Entry", "name mode data rdevmajor rdevminor mtime uid gid nlink ino")


class NewcError(ToolError):
    """An entry that the format cannot hold, or bytes that are not an archive."""


def padding(length):
    return b"\0" * (-length % 4)


class Writer:
    """Writes entries, in the order of the calls, to a binary file object; close() writes the trailer."""

    def __init__(self, out):
        self._out = out
        self._names = set()

    def file(self, name, data, mode=0o644, mtime=0):
        """mtime: seconds since 1970; what the format cannot hold is 0."""
        self._entry(name, stat.S_IFREG | mode, data, mtime=int(mtime) if 0 <= mtime <= MAX_FIELD else 0)

    def directory(self, name, mode=0o755):
        self._entry(name, stat.S_IFDIR | mode, nlink=2)

    def symlink(self, name, target):
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def char_device(self, name, major, minor, mode=0o600):
        self._entry(name, stat.S_IFCHR | mode, rdev=(major, minor))

    def close(self):
        self._record(TRAILER, 0, 0, b"", 1, (0, 0))

    def _entry(self, name, mode, data=b"", nlink=1, rdev=(0, 0), mtime=0):
        if not name or name.startswith("/") or "\0" in name or name == TRAILER:
            raise NewcError(f"{name!r}: not a name that an archive can hold")
        if name in self._names:
            raise NewcError(f"{name}: twice in one archive")
        if len(data) > MAX_FIELD:
            raise NewcError(f"{name}: {len(data)} bytes; the format ends below 4 GiB")
        self._names.add(name)
        self._record(name, len(self._names), mode, data, nlink, rdev, mtime)

    def _record(self, name, ino, mode, data, nlink, rdev, mtime=0):
        encoded = os.fsencode(name) + b"\0"
        values = (ino, mode, 0, 0, nlink, mtime, len(data), 0, 0, rdev[0], rdev[1], len(encoded), 0)
        header = MAGIC + b"".join(b"%08X" % value for value in values)
        self._out.write(header + encoded + padding(HEADER_SIZE + len(encoded)))
        self._out.write(data)
        self._out.write(padding(len(data)))


def read(archive):
    """The entries of an archive (bytes), in order, without the trailer."""
    entries = []
    at = 0
    while True:
        header = archive[at:at + HEADER_SIZE]
        if len(header) < HEADER_SIZE or not header.startswith(MAGIC):
            raise NewcError(f"no newc header at byte {at}")
        try:
            field = {name: int(header[6 + 8 * i:14 + 8 * i], 16) for i, name in enumerate(FIELDS)}
        except ValueError:
            raise NewcError(f"a header field that is not hexadecimal at byte {at}") from None
        name_at = at + HEADER_SIZE
        name_end = name_at + field["namesize"]
        data_at = name_end + len(padding(name_end))
        data_end = data_at + field["filesize"]
        if field["namesize"] == 0 or data_end > len(archive) or archive[name_end - 1] != 0:
            raise NewcError(f"an entry at byte {at} that does not fit the archive")
        name = os.fsdecode(archive[name_at:name_end - 1])
        if name == TRAILER:
            return entries
        entries.append(Entry(name, field["mode"], archive[data_at:data_end], field["rdevmajor"], field["rdevminor"],
                             field["mtime"], field["uid"], field["gid"], field["nlink"], field["ino"]))
        at = data_end + len(padding(data_end))
