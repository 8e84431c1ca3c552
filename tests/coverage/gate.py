#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which lines and branches of lib*/src the unit, model and sim tests reach; fails where they are too few.

Each library is held to the gate by itself. src/aarch64 is not counted: it runs on the machine only (tests/system).
"""
import argparse
import json
import os
import re
import subprocess
import sys

LINE_GATE = 95.0  # percent
BRANCH_GATE = 90.0
COUNTED = re.compile(r"^(lib[a-z0-9]+)/(src|include)/(?!aarch64/)")


def percent(covered, total):
    return 100.0 if total == 0 else 100.0 * covered / total


def by_library(files):
    """{library: [lines covered, lines, branches covered, branches]} of gcovr's list of files.

    A header-only library is counted by its headers, the others by src/ alone.
    """
    sums = {}
    for entry in files:
        match = COUNTED.match(entry["filename"])
        if match and (match.group(2) == "src" or match.group(1) == "libbase"):
            row = sums.setdefault(match.group(1), [0, 0, 0, 0])
            for i, key in enumerate(("line_covered", "line_total", "branch_covered", "branch_total")):
                row[i] += entry[key]
    return sums


def libraries_of(source):
    """Every library of the tree: one that no test reaches must not be missing from the table."""
    return sorted(name for name in os.listdir(source)
                  if name.startswith("lib") and os.path.exists(os.path.join(source, name, "CMakeLists.txt")))


def judge(sums, expected):
    """The table, and whether every library of @expected passes."""
    lines = [f"{'library':<12}{'lines':>16}{'branches':>20}"]
    good = True
    for name in sorted(set(expected) | set(sums)):
        covered, total, taken, branches = sums.get(name, [0, 0, 0, 0])
        fine = total > 0 and percent(covered, total) >= LINE_GATE and percent(taken, branches) >= BRANCH_GATE
        good = good and fine
        lines.append(f"{name:<12}{covered:>6}/{total:<5}{percent(covered, total):5.1f}%"
                     f"{taken:>8}/{branches:<5}{percent(taken, branches):5.1f}%" + ("" if fine else "  below the gate"))
    lines.append(f"gate: lines {LINE_GATE:.0f}%, branches {BRANCH_GATE:.0f}%")
    return "\n".join(lines), good


def run(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **options)
    if done.returncode != 0:
        print(done.stdout[-8000:])
        sys.exit(f"coverage: {' '.join(command)}: exit code {done.returncode}")
    return done.stdout


def forget_counters(build):
    for folder, _, names in os.walk(build):
        for name in names:
            if name.endswith(".gcda"):
                os.unlink(os.path.join(folder, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True)
    parser.add_argument("--build", required=True)
    arguments = parser.parse_args()
    jobs = str(os.cpu_count() or 2)
    build = arguments.build

    run("cmake", "-S", arguments.source, "-B", build, "-DASHLAR_COVERAGE=ON", "-DCMAKE_C_COMPILER=gcc")
    run("cmake", "--build", build, "-j", jobs)
    forget_counters(build)
    # What runs under ThreadSanitizer counts nothing, and the tools are no C.
    run("ctest", "--test-dir", build, "-L", "^(unit|model|sim)$", "-E", "tools_|race", "-j", jobs,
        "--output-on-failure")
    summary = os.path.join(build, "coverage.json")
    report = os.path.join(build, "coverage.txt")
    run("gcovr", "--root", ".", "--filter", "lib[a-z0-9]+/(src|include)/", "--exclude", ".*/aarch64/.*",
        "--json-summary", summary, "--txt", report, build, cwd=arguments.source)
    with open(summary, encoding="utf-8") as file:
        table, good = judge(by_library(json.load(file)["files"]), libraries_of(arguments.source))
    report = os.path.relpath(report, arguments.source)
    table = f"coverage\n{table}\neach file, with the lines that were missed: {report}"
    print(table)
    os.makedirs(os.path.join(build, "report"), exist_ok=True)
    with open(os.path.join(build, "report", "coverage.txt"), "w", encoding="utf-8") as file:
        file.write(table + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
