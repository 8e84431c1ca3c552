# SPDX-License-Identifier: BSD-2-Clause
"""What the lint tests share: the tracked files, how a finding is printed, what a missing tool means."""
import argparse
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SKIPPED = 77  # ctest's SKIP_RETURN_CODE for these tests
UNTRACKED = {".git", "build", "__pycache__", ".cache"}


class Missing(Exception):
    """A tool is not here; `required` says whether that is a failure."""

    def __init__(self, text, required):
        super().__init__(text)
        self.required = required


def tracked(root):
    """The tracked files that exist, relative to root; of an unpacked archive without git, every file."""
    done = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=False) \
        if os.path.exists(os.path.join(root, ".git")) else None
    if done is not None and done.returncode == 0:
        names = done.stdout.decode().split("\0")
    else:
        names = []
        for folder, folders, files in os.walk(root):
            folders[:] = [f for f in folders if f not in UNTRACKED]
            names += [os.path.relpath(os.path.join(folder, f), root) for f in files]
    return sorted(n for n in names if n and os.path.isfile(os.path.join(root, n)))


def read(root, name):
    """The file as text, or None if it is not text."""
    with open(os.path.join(root, name), "rb") as f:
        data = f.read()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def numbered(text):
    return enumerate(text.split("\n"), start=1)


def packages_for_check(root=ROOT):
    """The Debian packages that ./check installs (toolchains/debian-12.packages, group check)."""
    names = set()
    for _, line in numbered(read(root, "toolchains/debian-12.packages")):
        words = line.split("#")[0].split()
        if len(words) >= 2 and "check" in words[1].split(","):
            names.add(words[0])
    return names


def need(tool, package=None):
    """The tool's path. Without it: a failure if ./check should have installed it, else a skip."""
    path = shutil.which(tool)
    if path is None:
        package = package or tool
        required = package in packages_for_check()
        raise Missing(f"{tool} is not installed (Debian: {package})" + ("" if required else ": skipped"), required)
    return path


def strip_comments(text):
    """C text with comments and the insides of string literals blanked, line by line as before."""
    def blank(match):
        word = match.group(0)
        if word.startswith("/"):
            return re.sub(r"[^\n]", " ", word)
        return word[0] + re.sub(r"[^\n]", " ", word[1:-1]) + word[-1]
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.DOTALL)


def run(check, description, arguments=None):
    """check(options) gives findings (file, line, reason). Prints them; returns the exit code."""
    options = arguments.parse_args() if arguments else plain_arguments(description).parse_args()
    try:
        findings = list(check(options))
    except Missing as missing:
        print(missing)
        return 1 if missing.required else SKIPPED
    for name, line, reason in findings:
        print(f"{name}:{line}: {reason}" if line else f"{name}: {reason}")
    if findings:
        print(f"{len(findings)} to mend", file=sys.stderr)
    return 1 if findings else 0


def plain_arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=ROOT, help="the tree to look at (default: this one)")
    return parser
