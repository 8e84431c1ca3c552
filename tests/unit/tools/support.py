# SPDX-License-Identifier: BSD-2-Clause
"""What the script tests share."""
import contextlib
import os
import sys
import tempfile
import textwrap
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
TOOLS = os.path.join(ROOT, "hv/tools")
sys.path.insert(0, TOOLS)
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


class FolderTest(unittest.TestCase):
    """A test with an empty folder of its own, self.folder."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="ashlar-test-")
        self.addCleanup(holder.cleanup)
        self.folder = holder.name

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def put(self, name, text, executable=False):
        """Write a file (text or bytes) in the folder; returns its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        data = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
        with open(path, "wb") as f:
            f.write(data)
        if executable:
            os.chmod(path, 0o755)
        return path

    def get(self, name, default=None):
        with contextlib.suppress(FileNotFoundError):
            with open(self.path(name), encoding="utf-8") as f:
                return f.read()
        return default

    def environment(self, **more):
        """An environment in which self.folder/bin comes first on the PATH."""
        return dict(os.environ, PATH=self.path("bin") + ":" + os.environ["PATH"], **more)
