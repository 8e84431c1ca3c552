# SPDX-License-Identifier: BSD-2-Clause
"""What stands between a clean clone and a machine: packages, the build of hv, the demo's bundle."""
import contextlib
import fcntl
import os
import re
import shutil
import struct
import subprocess

from ashlar import boards, bundle, disk, initramfs
from ashlar.common import ToolError, atomic_write

OLDEST_QEMU = (7, 2)
DISK_MIB = 16  # the demo's root disk


@contextlib.contextmanager
def lock(path):
    """One at a time may build in a tree."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def install_packages(root, may_install):
    command = [os.path.join(root, "hv/tools/install-packages"), "run"]
    code = subprocess.run(command + ([] if may_install else ["--no-install"]), check=False).returncode
    if code:
        raise ToolError("packages are missing, see above", code if code == 2 else 1)


def check_qemu(program):
    """The emulator's version, refused in words if it is older than what hv is tested on."""
    try:
        said = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False).stdout
    except OSError as error:
        raise ToolError(f"{program}: {error.strerror} (Debian: apt-get install qemu-system-arm)", 2) from None
    found = re.search(r"version (\d+)\.(\d+)", said)
    if not found:
        raise ToolError(f"{program} --version does not say which version it is", 2)
    version = tuple(int(part) for part in found.groups())
    if version < OLDEST_QEMU:
        raise ToolError(f"{program} is version {version[0]}.{version[1]}; {OLDEST_QEMU[0]}.{OLDEST_QEMU[1]} or newer "
                        "is needed: older ones lack parts of EL2 that hv uses", 2)


def run_logged(command, log, what):
    """Run a build step quietly; on failure the end of its log is the message."""
    with open(log, "ab") as out:
        out.write(f"\n$ {' '.join(command)}\n".encode())
        out.flush()
        try:
            code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                  check=False).returncode
        except OSError as error:
            raise ToolError(f"{command[0]}: {error.strerror}") from None
    if code:
        with open(log, encoding="utf-8", errors="replace") as f:
            tail = "".join(f.readlines()[-40:])
        raise ToolError(f"{what} failed; the whole log is {log}:\n{tail}")


def build_hv(root, board, folder):
    """Configure and build hv for a board in `folder`."""
    os.makedirs(folder, exist_ok=True)
    log = folder + ".log"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(log)
    run_logged(["cmake", "-S", root, "-B", folder, f"-DBSP={board}", "--toolchain",
                os.path.join(root, "toolchains/aarch64.cmake")], log, "configuring hv")
    run_logged(["cmake", "--build", folder, "-j", str(os.cpu_count() or 1)], log, "building hv")


def fetch(root, name):
    done = subprocess.run([os.path.join(root, "tests/setup/fetch"), name], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise ToolError(f"the demo's {name} could not be fetched, see above")
    return done.stdout.strip()


def link(target, name):
    """A symlink, made anew in one step."""
    fresh = name + ".new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh)
    os.symlink(target, fresh)
    os.replace(fresh, name)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def kernel_modules(kernel):
    """The modules that tests/setup/fetch keeps beside a kernel."""
    folder = os.path.join(os.path.dirname(kernel), "modules")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return initramfs.read_modules(os.path.join(folder, name) for name in names)


def board_tree(root, board, model):
    """The file of an emulated board's device tree; None where the emulator makes it."""
    tree = boards.EMULATORS[board].tree
    if tree is None:
        return None
    return os.path.join(os.path.dirname(fetch(root, "kernel")), "dtb",
                        tree.format(model=boards.model_of(board, model)))


def demo_folder(root, board, build):
    """Lay out the demo of a board as a folder that bundle.write takes; returns the folder."""
    source = os.path.join(root, "bsp", board, "demo")
    if not os.path.isdir(source):
        raise ToolError(f"board {board} has no demo; give a bundle of your own with --bundle", 2)
    folder = os.path.join(build, "demo")
    os.makedirs(folder, exist_ok=True)
    shutil.copyfile(os.path.join(source, bundle.SOURCE), os.path.join(folder, bundle.SOURCE))
    kernel = fetch(root, "kernel")
    link(kernel, os.path.join(folder, "Image"))
    with open(os.path.join(source, bundle.SOURCE), encoding="utf-8") as f:
        text = f.read()
    for name in re.findall(r'kernel = "([^"]+\.bin)"', text):  # guests of our own
        guest = os.path.join(build, "tests/guests", name)
        if not os.path.isfile(guest):
            raise ToolError(f"{guest}: the build did not make it")
        link(guest, os.path.join(folder, name))
    init_file = os.path.join(root, "bsp/qemu-virt/demo/init")  # the same on every board
    busybox, init, e2fsck = (read(path) for path in (fetch(root, "busybox"), init_file, fetch(root, "e2fsck")))
    with atomic_write(os.path.join(folder, "initramfs.cpio")) as out:
        initramfs.write(out, busybox, init, kernel_modules(kernel), {"bin/e2fsck": e2fsck})
    for name in set(re.findall(r'image = "([^"]+)"', text)):
        disk.root(os.path.join(folder, name), DISK_MIB, busybox, init)
    return folder


def make_bundle(folder, path, complete=True):
    """complete: a mistake in vms.dts is refused; else hv says it, and starts the other VMs."""
    with atomic_write(path) as out:
        bundle.write(folder, out, complete)
    return path


def image_offset(image):
    """Where an arm64 Image wants to be, relative to 2 MiB (Linux, Documentation/arm64/booting.rst, section 4)."""
    with open(image, "rb") as f:
        header = f.read(64)
    if len(header) < 64 or header[56:60] != b"ARM\x64":
        raise ToolError(f"{image} has no arm64 Image header")
    return struct.unpack_from("<Q", header, 8)[0]
