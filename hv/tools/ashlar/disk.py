# SPDX-License-Identifier: BSD-2-Clause
"""A Linux root disk of a static busybox and an init script: an ext4 image, by Debian's mke2fs and without root."""
import os
import shutil
import subprocess
import tempfile

from ashlar import initramfs
from ashlar.common import ToolError, atomic_write

MIB = 1 << 20
SYSTEM_PATH = "/usr/sbin:/sbin"  # where e2fsprogs is, which a user's PATH may not name
# Of the same files the same image, whoever makes it and when: all owned by root, no time, no random number.
IDENTITY = "a54a1a52-0000-4000-8000-000000000001"
FEATURES = "extent,64bit,metadata_csum,flex_bg,huge_file,dir_index,filetype,sparse_super,large_file"
EPOCH = "1767225600"  # 2026-01-01: mke2fs takes 0 for "now"


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":" + SYSTEM_PATH)
    if not found:
        raise ToolError(f"{name} is not here (Debian: apt-get install e2fsprogs)", 2)
    return found


def run(command, text=None):
    environment = dict(os.environ, LC_ALL="C", E2FSPROGS_FAKE_TIME=EPOCH, SOURCE_DATE_EPOCH=EPOCH,
                       MKE2FS_CONFIG=os.devnull)
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment, check=False)
    if done.returncode:
        raise ToolError(f"{os.path.basename(command[0])} failed: {done.stderr.strip()}")


def owned_by_root(folder):
    """debugfs commands: whoever made the files in `folder`, root owns them on the disk, and they are of no time."""
    lines = []
    times = [(name, f"@{EPOCH}") for name in ("atime", "ctime", "mtime", "crtime")]
    for home, folders, files in os.walk(folder):
        for name in sorted(folders) + sorted(files):
            path = "/" + os.path.relpath(os.path.join(home, name), folder)
            lines += [f'sif "{path}" {field} {value}' for field, value in (("uid", 0), ("gid", 0), *times)]
    return "\n".join(lines) + "\n"


def image(path, size_mib, folder, label="root"):
    """Make the file `path` an ext4 image of `size_mib` MiB with what is in `folder`; it appears when it is complete."""
    with tempfile.TemporaryDirectory(prefix="ashlar-disk-") as scratch:
        fresh = os.path.join(scratch, "image")
        with open(fresh, "wb") as f:
            f.truncate(size_mib * MIB)
        run([program("mke2fs"), "-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-m", "0", "-J", "size=4",
             "-O", FEATURES, "-E", f"root_owner=0:0,hash_seed={IDENTITY},lazy_itable_init=0,lazy_journal_init=0",
             "-U", IDENTITY, "-L", label, "-d", folder, fresh])
        run([program("debugfs"), "-w", "-f", "-", fresh], owned_by_root(folder))
        with open(fresh, "rb") as f, atomic_write(path) as out:
            shutil.copyfileobj(f, out)


def root(path, size_mib, busybox, init, files=None):
    """Make the file `path` a root disk: busybox and init are the files' bytes, files: more of them, name to bytes."""
    initramfs.check_programs(busybox, init)
    with tempfile.TemporaryDirectory(prefix="ashlar-disk-") as folder:
        for name in initramfs.DIRECTORIES:
            os.mkdir(os.path.join(folder, name))
        for name, target in (*initramfs.LINKS, *initramfs.command_links(busybox)):
            os.symlink(target, os.path.join(folder, name))
        for name, data in {"bin/busybox": busybox, "init": init, **(files or {})}.items():
            place = os.path.join(folder, name)
            with open(place, "wb") as f:
                f.write(data)
            os.chmod(place, 0o755)
        image(path, size_mib, folder)
