# SPDX-License-Identifier: BSD-2-Clause
"""mkbundle --check: what hv would say to a bundle on a board, and who would own what, without booting it.

The judgement is hv's own code, built for this machine (target hv-check); here is only what it has to be told: the
board's device tree, and where the boot loader puts hv, the tree and the bundle.
"""
import contextlib
import io
import os
import struct
import subprocess
import tempfile

from ashlar import build, bundle, fdt
from ashlar.boards import EMULATORS, image, machine_arguments
from ashlar.common import ToolError

MIB = 1 << 20
ALIGNMENT = 2 * MIB
ASSUMED_IMAGE_SIZE = 2 * MIB


def checker(root):
    """The program hv-check: as the environment says, else built (quickly, where it is up to date)."""
    if os.environ.get("ASHLAR_HV_CHECK"):
        return os.environ["ASHLAR_HV_CHECK"]
    folder = os.path.join(root, "build/tools")
    log = folder + ".log"
    os.makedirs(folder, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(log)
    with build.lock(os.path.join(root, "build/.tools.lock")):
        build.run_logged(["cmake", "-S", root, "-B", folder, "-DASHLAR_BUILD_TESTS=OFF"], log,
                         "configuring the checker (it needs gcc and libfdt: apt-get install gcc libc6-dev libfdt-dev)")
        build.run_logged(["cmake", "--build", folder, "--target", "hv-check"], log,
                         "building the checker (it needs gcc and libfdt: apt-get install gcc libc6-dev libfdt-dev)")
    return os.path.join(folder, "hv/hv-check")


def image_header(offset, size):
    """64 bytes that say where an arm64 Image wants to be and how much it takes (Linux, arm64/booting.rst)."""
    return struct.pack("<IIQQQQQQ4sI", 0x14000010, 0, offset, size, 0, 0, 0, 0, b"ARM\x64", 0)


def image_extent(image):
    """(offset, size) of an arm64 Image; what is assumed for one that is not built yet."""
    if not os.path.isfile(image):
        return 0, ASSUMED_IMAGE_SIZE
    with open(image, "rb") as f:
        header = f.read(64)
    if len(header) < 64 or header[56:60] != b"ARM\x64":
        raise ToolError(f"{image} has no arm64 Image header")
    return struct.unpack_from("<QQ", header, 8)


def align_up(value, alignment):
    return -(-value // alignment) * alignment


def dump_tree(root, options, bundle_file, folder):
    """The device tree of the emulated board, as its boot loader hands it over."""
    tree, stand_in = os.path.join(folder, "board.dtb"), os.path.join(folder, "image")
    with open(stand_in, "wb") as f:
        f.write(image_header(*options.extent))
    command = machine_arguments(options.board, options.gic, options.cpus, options.memory, f",dumpdtb={tree}",
                                options.model, build.board_tree(root, options.board, options.model))
    command += ["-display", "none", "-kernel", stand_in, "-initrd", bundle_file, "-append", "ashlar.nonce=0"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise ToolError(f"{command[0]}: {error.strerror} (Debian: apt-get install qemu-system-arm); or give the "
                        "board's tree with --board-dtb") from None
    if done.returncode or not os.path.isfile(tree):
        raise ToolError(f"{command[0]} does not tell the board's device tree:\n"
                        f"{done.stderr.decode(errors='replace').strip()}")
    return tree


def emulated_places(options, tree):
    """Where the emulator puts hv and the tree: an Image below 4 KiB moves up by 2 MiB, the tree is aligned to that."""
    with open(tree, "rb") as f:
        chosen = fdt.parse(f.read()).child("chosen").properties
    offset, size = options.extent
    start = EMULATORS[options.board].ram + (offset if offset >= 0x1000 else offset + ALIGNMENT)
    end = int.from_bytes(chosen["linux,initrd-end"], "big")
    return ["--image", hex(start), hex(size), "--tree-at", hex(align_up(end, ALIGNMENT))]


def given_places(options):
    places = []
    if options.image_at is not None:
        places += ["--image", hex(options.image_at), hex(options.extent[1])]
    if options.tree_at is not None:
        places += ["--tree-at", hex(options.tree_at)]
    if options.bundle_at is not None:
        places += ["--bundle-at", hex(options.bundle_at)]
    return places


def pack(source, folder):
    """The bundle to be checked: a file as it is, a folder packed with whatever of its files is there."""
    if not os.path.isdir(source):
        with open(source, "rb") as f:
            if not f.read(1):
                raise ToolError(f"{source} is empty: no bundle")
        return source
    archive = io.BytesIO()
    bundle.write(source, archive, complete=False)
    path = os.path.join(folder, "bundle.cpio")
    with open(path, "wb") as f:
        f.write(archive.getvalue())
    return path


def run(root, options):
    """Check; returns the exit code: 0, or 3 where hv would refuse a VM, 4 where it would stop."""
    options.extent = image_extent(os.path.join(root, "build", options.board, "hv", image(root, options.board)))
    program = checker(root)
    with tempfile.TemporaryDirectory(prefix="ashlar-check-") as folder:
        packed = pack(options.folder, folder)
        if options.board_dtb:
            tree, places = options.board_dtb, given_places(options)
        else:
            tree = dump_tree(root, options, packed, folder)
            places = emulated_places(options, tree)
        command = [program, "--board", tree, "--bundle", packed, *places, *(["--json"] if options.json else [])]
        code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
        return code if code >= 0 else 128 - code
