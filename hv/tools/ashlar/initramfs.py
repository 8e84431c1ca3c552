# SPDX-License-Identifier: BSD-2-Clause
"""A Linux initramfs of one static busybox, one init script and modules of the kernel, made without root."""
import os
import re

from ashlar import newc
from ashlar.common import ToolError

# Debian's kernel does not mount devtmpfs by itself before /init: these nodes are what init starts with.
DEVICES = (("dev/console", 5, 1), ("dev/null", 1, 3), ("dev/ttyAMA0", 204, 64))
DIRECTORIES = ("bin", "dev", "etc", "lib", "lib/modules", "mnt", "proc", "root", "run", "sys", "tmp", "usr")
LINKS = (("sbin", "bin"), ("usr/bin", "../bin"), ("usr/sbin", "../bin"))

# busybox keeps its commands' names as one sorted run of strings that starts with "[" and "[[" and ends with "".
APPLETS = re.compile(rb"\0(\[\0\[\[\0(?:[a-z0-9._+-]+\0)+)\0")


def applets(busybox):
    """The names of the commands inside a busybox executable (bytes), whatever machine it is for."""
    found = APPLETS.findall(busybox)
    names = found[0].decode().rstrip("\0").split("\0") if len(found) == 1 else []
    if "sh" not in names or names != sorted(names):
        raise ToolError("this busybox does not show its list of commands, or has no sh")
    return names


def read_modules(paths):
    """What write() takes, of the files at `paths`."""
    modules = {}
    for path in paths:
        with open(path, "rb") as f:
            modules[os.path.basename(path)] = f.read()
    return modules


def check_programs(busybox, init):
    """Refuse what a Linux on AArch64 could not start."""
    if busybox[:4] != b"\x7fELF" or busybox[4:6] != b"\x02\x01" or busybox[18:20] != b"\xb7\x00":
        raise ToolError("busybox is not a 64-bit little-endian AArch64 program")
    if not init.startswith(b"#!/bin/sh\n"):
        raise ToolError("init does not start with #!/bin/sh")


def command_links(busybox):
    """The commands of a busybox (bytes): name of the link, where it leads."""
    return [(f"bin/{name}", "busybox") for name in applets(busybox) if name != "busybox"]


def write(out, busybox, init, modules=None, files=None):
    """Write the archive to the binary file object `out`; busybox and init are the files' bytes, modules: name of a file
    in /lib/modules to bytes; files: of programs likewise, by their paths."""
    check_programs(busybox, init)
    archive = newc.Writer(out)
    for name in DIRECTORIES:
        archive.directory(name)
    for name, target in LINKS:
        archive.symlink(name, target)
    for name, major, minor in DEVICES:
        archive.char_device(name, major, minor)
    archive.file("init", init, 0o755)
    archive.file("bin/busybox", busybox, 0o755)
    for name, target in command_links(busybox):
        archive.symlink(name, target)
    for name, data in sorted((modules or {}).items()):
        archive.file(f"lib/modules/{name}", data, 0o644)
    for name, data in sorted((files or {}).items()):
        archive.file(name, data, 0o755)
    archive.close()
