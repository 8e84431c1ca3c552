# SPDX-License-Identifier: BSD-2-Clause
"""What the embedding tests share: a copy of the tree as a stranger has it, installs of it, commands that must pass."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/lint"))
import common  # noqa: E402
TOOLCHAIN = os.path.join(ROOT, "toolchains/aarch64.cmake")
LIBRARIES = ("stage2", "vcpu", "vgic", "vtimer", "virtio", "boot")
LIMIT_S = 240


def environment():
    """Nothing of the caller's may choose a compiler, an option or a place to search; ccache may help."""
    leave = ("CMAKE_", "MAKE", "MFLAGS", "CROSS_COMPILE", "PKG_CONFIG", "ASHLAR_LIBFDT")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(leave) and k not in ("CC", "CXX", "CFLAGS")}
    if "CMAKE_C_COMPILER_LAUNCHER" in os.environ:
        kept["CMAKE_C_COMPILER_LAUNCHER"] = os.environ["CMAKE_C_COMPILER_LAUNCHER"]
    return dict(kept, LC_ALL="C")


def run(command, folder):
    """(exit code, everything it said)"""
    done = subprocess.run(command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LIMIT_S, check=False)
    return done.returncode, done.stdout


def copy_tree(target):
    """The tracked files, changes not committed yet included."""
    for name in common.tracked(ROOT):
        path = os.path.join(target, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy2(os.path.join(ROOT, name), path, follow_symlinks=False)


class EmbedTest(unittest.TestCase):
    """A test with an empty folder of its own, self.folder."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="ashlar-embed-")
        self.addCleanup(holder.cleanup)
        self.folder = holder.name

    def must(self, *command, folder=None):
        """What the command said; it must succeed, without a warning."""
        code, said = run(command, folder or self.folder)
        self.assertEqual(code, 0, f"{' '.join(command)}:\n{said}")
        self.assertNotIn("warning:", said.lower(), f"{' '.join(command)}:\n{said}")
        return said

    @staticmethod
    def install(where, *options):
        """Build the libraries and install them, then move what was installed to `where`."""
        with tempfile.TemporaryDirectory(prefix="ashlar-install-") as scratch:
            build, prefix = os.path.join(scratch, "build"), os.path.join(scratch, "prefix")
            for command in (["cmake", "-S", ROOT, "-B", build, "-DASHLAR_BUILD_TESTS=OFF", "-DASHLAR_BUILD_HV=OFF",
                             "-DCMAKE_BUILD_TYPE=Release", *options],
                            ["cmake", "--build", build, "-j2"], ["cmake", "--install", build, "--prefix", prefix]):
                code, said = run(command, scratch)
                if code:
                    raise RuntimeError(f"{' '.join(command)}:\n{said}")
            shutil.move(prefix, where)
        return where

    def configure(self, source, build, prefix, *options):
        """(exit code, what CMake said) of a consumer that looks for the package in `prefix`."""
        return run(["cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", *options], self.folder)
