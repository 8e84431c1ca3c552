#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measure hv in instructions and compare with the table in docs/benchmarks.md.

  tests/bench/bench.py             print each figure, the table's, the difference; 1 if one is more than 2 % above
  tests/bench/bench.py --update    write the figures into the table

hv is what stands in build/qemu-virt (./check bench builds it). Where compiler, emulator or guests are not those of
the table, the commit that last changed the table is built with today's and stands in for it. Exit code 77: nothing
to compare with (versions differ, and there is no history).
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import zlib

import measure
import stream
import table
import trace
from ashlar.common import ToolError, atomic_write, main_of

TOLERANCE = 1.02
# Sizes in whole pages: each segment may pass the end of its last one, and the code also that of the link editor's room
# for an erratum's sequences. image_bytes has no such steps.
STEPS = {"image_file": 4 * 4096, "image_memory": 5 * 4096}
# Whether the other CPU has another turn before a tick is told hangs on an instruction more or less.
STEPS |= dict.fromkeys(("vtimer_chaos", "vtimer_flood"), measure.TURN_US * 1000)
DOCUMENT = os.path.join(measure.ROOT, "docs/benchmarks.md")
BUILD = os.path.join(measure.ROOT, "build/qemu-virt")
SCRATCH = os.path.join(measure.ROOT, "build/bench")
NOTHING_TO_COMPARE = 77


def first_line(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.splitlines()[0].strip() if done.stdout else "?"


def fetched(name):
    done = subprocess.run([os.path.join(measure.ROOT, "tests/setup/fetch"), name], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise ToolError(f"{name} could not be fetched, see above")
    return done.stdout.strip()


def compiler(build):
    for path in glob.glob(os.path.join(build, "CMakeFiles/*/CMakeCCompiler.cmake")):
        found = re.search(r'^set\(CMAKE_C_COMPILER "(.*)"\)$', measure.read(path).decode(), re.MULTILINE)
        if found:
            return found.group(1)
    raise ToolError(f"{build} does not say with which compiler it is built")


def versions_of(kernel, busybox):
    return {"compiler": first_line(compiler(BUILD), "--version"), "emulator": first_line(measure.QEMU, "--version"),
            "Linux": os.path.basename(os.path.dirname(kernel)), "busybox": os.path.basename(os.path.dirname(busybox))}


def measure_all(instrument, tree, bare=True):
    figures = {}
    for gic in table.GICS:
        print(f"bench: GICv{gic}", file=sys.stderr, flush=True)
        under, blob = measure.measure_hv(instrument, tree, gic)
        base = measure.measure_bare(instrument, gic, blob) if bare or under else {}
        if under is None:
            print(f"bench: hv does not run on GICv{gic} yet", file=sys.stderr, flush=True)
        else:
            for event in table.LESS_BARE:
                under[event] -= base[event]
            under.update(trace.costs(instrument, tree, gic))
            under.update(stream.costs(instrument, tree, gic))
            figures[f"hv{gic}"] = under
        figures[f"bare{gic}"] = base
    return figures


def git(*arguments):
    done = subprocess.run(["git", "-C", measure.ROOT, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def last_change():
    """The commit that last changed the table; None: there is no history."""
    commits = (git("log", "--format=%H", "--", "docs/benchmarks.md") or "").split()
    newest = None
    for commit in commits:
        at = table.block(git("show", f"{commit}:docs/benchmarks.md") or "")
        if newest is None:
            newest, found = at, commit
        elif at != newest:
            return found
        else:
            found = commit
    return found if commits else None


def rebuild(commit):
    """That commit's hv, with today's tools, in build/bench/<commit>."""
    tools = zlib.crc32(first_line(compiler(BUILD), "--version").encode())
    folder = os.path.join(SCRATCH, f"rebuilt-{commit[:12]}-{tools:08x}")
    source, build = os.path.join(folder, "source"), os.path.join(folder, "build")
    if not os.path.isfile(os.path.join(build, "hv/hv.bin")):
        print(f"bench: building hv of commit {commit[:12]}", file=sys.stderr, flush=True)
        for old in glob.glob(os.path.join(SCRATCH, "rebuilt-*")):
            shutil.rmtree(old, ignore_errors=True)
        os.makedirs(source)
        with subprocess.Popen(["git", "-C", measure.ROOT, "archive", commit], stdout=subprocess.PIPE) as archive:
            subprocess.run(["tar", "-x", "-C", source], stdin=archive.stdout, check=True)
        for command in (["cmake", "-S", source, "-B", build, "-DBSP=qemu-virt", "--toolchain",
                         os.path.join(source, "toolchains/aarch64.cmake")],
                        ["cmake", "--build", build, "--target", "hv", "-j", str(os.cpu_count() or 1)]):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode:
                raise ToolError(f"hv of commit {commit} cannot be built with today's tools:\n{done.stdout[-3000:]}")
    return measure.Tree(source, build, os.path.join(folder))


def change(now, then):
    if then == 0:
        return "" if now == 0 else "+inf"
    return f"{(now / then - 1) * 100:+.2f} %"


def compare(figures, reference, name):
    """Prints every figure; returns the complaints."""
    complaints = []
    for gic in table.GICS:
        ours, theirs = figures.get(f"hv{gic}"), reference.get(f"hv{gic}", {})
        if ours is None:
            if theirs:
                complaints.append(f"GICv{gic}: hv does not finish; it did in {name}")
            print(f"\nGICv{gic}: {table.NOT_YET}")
            continue
        print(f"\n{'GICv' + str(gic):24} {'now':>16} {name:>16}  difference")
        for event in [*table.NAMES, *sorted(name for name in {**ours, **theirs} if ":" in name)]:
            now, then = ours.get(event), theirs.get(event)
            if now == then and (now is None or ":" in event):
                continue
            if now is None:
                complaints.append(f"GICv{gic}: {event} is not measured any more")
                continue
            worse = then is not None and now > then * TOLERANCE + STEPS.get(event, 0)
            print(f"{event:24} {table.number(now):>16} {table.number(then) or '-':>16}  "
                  f"{change(now, then) if then is not None else ''}{'  WORSE' if worse else ''}")
            if worse:
                complaints.append(f"GICv{gic}: {event}: {table.number(now)}, {name} {table.number(then)}")
    return complaints


def update(versions, figures):
    text = measure.read(DOCUMENT).decode()
    old = table.block(text)
    if old is None:
        raise ToolError(f"{DOCUMENT} has no table between its two marks")
    with atomic_write(DOCUMENT) as out:
        out.write(text.replace(old, "\n".join(table.write(versions, figures))).encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write the table instead of comparing with it")
    options = parser.parse_args()
    os.makedirs(SCRATCH, exist_ok=True)
    kernel, busybox = fetched("kernel"), fetched("busybox")
    versions = versions_of(kernel, busybox)
    instrument = measure.Instrument(BUILD, SCRATCH).with_linux(kernel, busybox)
    try:
        figures = measure_all(instrument, measure.Tree(measure.ROOT, BUILD, SCRATCH))
        recorded = table.block(measure.read(DOCUMENT).decode()) or ""
        known, reference = table.read(recorded)
        name = "the table"
        if options.update:
            compare(figures, reference, name)
            update(versions, figures)
            print(f"\nbench: written to {os.path.relpath(DOCUMENT)}")
            return 0
        if known != versions:
            different = [key for key in versions if known.get(key) != versions[key]]
            print(f"bench: not the table's: {', '.join(f'{key} {versions[key]}' for key in different)}")
            commit = last_change()
            if commit is None:
                compare(figures, reference, name)
                print("bench: no history, so no commit to build with these: nothing is judged")
                return NOTHING_TO_COMPARE
            name = commit[:12]
            reference = measure_all(instrument, rebuild(commit))
    except measure.Silent as silent:
        raise ToolError("\n".join(str(part)[-3000:] for part in silent.args)) from None
    complaints = compare(figures, reference, name)
    for complaint in complaints:
        print(f"bench: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    main_of("bench", main)
