# SPDX-License-Identifier: BSD-2-Clause
"""Backtrace lines of hv, `  #N 0x<address> (hv+0x<offset>)`, with function and file:line after them."""
import os
import re
import shutil
import struct
import subprocess

from ashlar.common import ToolError

LINE = re.compile(r"#(\d+) 0x[0-9a-f]+ \(hv\+0x([0-9a-f]+)\)")
TOOLS = ("aarch64-linux-gnu-addr2line", "aarch64-none-elf-addr2line", "llvm-addr2line", "llvm-addr2line-14")


def find_tool():
    for tool in TOOLS:
        if shutil.which(tool):
            return tool
    raise ToolError(f"none of {', '.join(TOOLS)} is here (Debian: apt-get install binutils-aarch64-linux-gnu)", 2)


def link_address(elf):
    """Where hv.elf begins, which is where it is entered: offsets in the image count from there."""
    if not os.path.isfile(elf):
        raise ToolError(f"{elf}: there is no such file; build hv, or give --elf", 2)
    with open(elf, "rb") as f:
        header = f.read(32)
    if header[:6] != b"\x7fELF\x02\x01" or len(header) < 32:  # of 64 bits, little-endian
        raise ToolError(f"{elf} is not an ELF file", 2)
    return struct.unpack_from("<Q", header, 24)[0]


class Symbols:
    """Addresses of one hv.elf, looked up through one addr2line process."""

    def __init__(self, elf, root):
        self._base = link_address(elf)
        self._root = os.path.join(os.path.realpath(root), "")
        self._tool = subprocess.Popen([find_tool(), "-f", "-e", elf], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, bufsize=1)

    def close(self):
        self._tool.stdin.close()
        self._tool.wait()
        self._tool.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def at(self, offset):
        """ "function file:line" of an offset in the image. """
        self._tool.stdin.write(f"{self._base + offset:#x}\n")
        self._tool.stdin.flush()
        function = self._tool.stdout.readline().strip()
        place = self._tool.stdout.readline().strip().removeprefix(self._root)
        place = re.sub(r" \(discriminator \d+\)$", "", place)
        return f"{function} {place}" if function != "??" else "?? (not in this hv.elf)"

    def annotate(self, line):
        """The line, with where it points to appended if it is one of a backtrace."""
        found = LINE.search(line)
        if not found:
            return line
        offset = int(found.group(2), 16)
        # All but the first are return addresses, and a call may be a function's last instruction.
        if found.group(1) != "0":
            offset = max(0, offset - 4)
        return f"{line.rstrip()} {self.at(offset)}"
