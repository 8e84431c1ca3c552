#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The libraries' sources under clang-tidy (checks: .clang-tidy) or cppcheck. A finding is an error; what is no
finding is said at the line, with its reason: NOLINT(check) or cppcheck-suppress."""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

import common

SOURCES = re.compile(r"lib\w+/src/\w+\.c$")
FINDING = re.compile(r"(.*?):(\d+):\d+: (?:warning|error): (.*)")


def commands(build, root):
    """One compile command a library source; GCC's own warning options are let pass."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        entries = json.load(f)
    chosen = {}
    for entry in entries:
        name = os.path.relpath(entry["file"], root)
        # The sanitized copy for the tests is the same code.
        if SOURCES.match(name) and "_checked.dir/" not in entry["command"]:
            chosen[name] = dict(entry, command=entry["command"] + " -Wno-unknown-warning-option")
    return chosen


def findings_in(said, root):
    for line in said.splitlines():
        match = FINDING.match(line)
        if match:
            path = match.group(1)
            yield (os.path.relpath(path, root) if os.path.isabs(path) else path), int(match.group(2)), match.group(3)


def tidy_one(tool, folder, root, name):
    done = subprocess.run([tool, "--quiet", "-p", folder, os.path.join(root, name)], cwd=root, capture_output=True,
                          text=True, check=False)
    found = list(findings_in(done.stdout, root))
    if done.returncode and not found:
        found.append((name, 0, (done.stdout + done.stderr).strip()))
    return found


def tidy(options):
    tool = common.need("clang-tidy")
    chosen = commands(options.build, options.root)
    if not chosen:
        yield options.build, 0, "no library source in compile_commands.json: nothing was looked at"
    with tempfile.TemporaryDirectory(prefix="ashlar-tidy-") as folder:
        with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as f:
            json.dump(list(chosen.values()), f)
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            results = list(pool.map(lambda name: tidy_one(tool, folder, options.root, name), sorted(chosen)))
    yield from dict.fromkeys(finding for found in results for finding in found)  # a header's, once


def cppcheck(options):
    tool = common.need("cppcheck")
    tracked = common.tracked(options.root)
    files = [n for n in tracked if SOURCES.match(n)]
    folders = sorted({m.group(1) for m in (re.match(r"(lib\w+/include)/", n) for n in tracked) if m})
    if not files:
        yield options.root, 0, "no library source found: nothing was looked at"
        return
    command = [tool, "--quiet", "--std=c11", "-j2", "--inline-suppr", "--enable=warning,performance,portability",
               "--suppress=missingInclude", "--suppress=normalCheckLevelMaxBranches", "--error-exitcode=1",
               "--template={file}:{line}:0: warning: {message} [{id}]", *(f"-I{f}" for f in folders), *files]
    done = subprocess.run(command, cwd=options.root, capture_output=True, text=True, check=False)
    found = list(dict.fromkeys(findings_in(done.stderr, options.root)))
    if done.returncode and not found:
        found.append((options.root, 0, (done.stdout + done.stderr).strip()))
    yield from found


if __name__ == "__main__":
    parser = common.plain_arguments(__doc__)
    parser.add_argument("tool", choices=("clang-tidy", "cppcheck"))
    parser.add_argument("--build", help="a native build folder with compile_commands.json (clang-tidy)")
    sys.exit(common.run(lambda o: tidy(o) if o.tool == "clang-tidy" else cppcheck(o), __doc__, parser))
