#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tracked C files are as clang-format 14 lays them out (.clang-format). Other versions lay out differently: skipped,
in words."""
import os
import re
import subprocess
import sys

import common

VERSION = 14


def version_of(tool):
    said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"version (\d+)", said)
    return int(match.group(1)) if match else 0


def check(options):
    tool = common.need("clang-format")
    if version_of(tool) != VERSION:
        raise common.Missing(f"clang-format {version_of(tool)} is here, {VERSION} decides: skipped", False)
    files = [n for n in common.tracked(options.root) if n.endswith((".c", ".h"))]
    if not files:
        yield options.root, 0, "no C file found: nothing was looked at"
        return
    done = subprocess.run([tool, "--dry-run", *files], cwd=options.root, capture_output=True, text=True, check=False)
    said = False
    for line in done.stderr.splitlines():
        match = re.match(r"(.*?):(\d+):\d+: (?:warning|error): (.*)", line)
        if match:
            said = True
            yield os.path.relpath(os.path.join(options.root, match.group(1)), options.root), int(match.group(2)), \
                f"{match.group(3)} (clang-format -i mends it)"
    if done.returncode and not said:
        yield options.root, 0, done.stderr.strip()


if __name__ == "__main__":
    sys.exit(common.run(check, __doc__))
