#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tracked shell scripts: the shell reads them, and shellcheck, where it is installed, finds nothing."""
import os
import re
import shutil
import subprocess
import sys

import common


def scripts(root):
    for name in common.tracked(root):
        text = common.read(root, name)
        if text and (name.endswith(".sh") or re.match(r"#!\s*(?:/usr)?/bin/(?:env )?sh\b", text)):
            yield name


def check(options):
    files = list(scripts(options.root))
    if not files:
        yield options.root, 0, "no shell script found: nothing was looked at"
    for name in files:
        done = subprocess.run(["sh", "-n", name], cwd=options.root, capture_output=True, text=True, check=False)
        if done.returncode:
            yield name, 0, done.stderr.strip()
        if not os.access(os.path.join(options.root, name), os.X_OK) and not name.endswith(".sh"):
            yield name, 0, "not executable"
    if shutil.which("shellcheck") is None:
        print("shellcheck is not installed: sh -n only")
        return
    command = ["shellcheck", "--format=gcc", "--severity=warning", "--shell=sh", *files]
    done = subprocess.run(command, cwd=options.root, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        match = re.match(r"(.*?):(\d+):\d+: (.*)", line)
        if match:
            yield match.group(1), int(match.group(2)), match.group(3)


if __name__ == "__main__":
    sys.exit(common.run(check, __doc__))
