#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plant each fault of tests/mutants/*.patch in a copy of the tree, and see the tests that it names fail.

A patch begins with what it breaks and why that matters, then "Tests: name…" (ctest's names), then the diff. A fault
that no named test notices, one that no longer applies or no longer compiles, is a failure, and its file is named.

    tests/mutants/run.py [NAME…]     all of them, or those whose file's name contains NAME
    tests/mutants/run.py --seconds 360      as many as that time is enough for: ./check; all of them are ./check soak's
"""
import argparse
import concurrent.futures
import filecmp
import fnmatch
import glob
import os
import queue
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NEVER_COPIED = {".git", "build", "__pycache__", ".cache"}
SLACK = 20  # seconds that a test may take beyond five times what it took on the tree without a fault
BATCH = 16  # of one part: a worker's copy has that part's tests built by then, and the workers end together
SEED = "0x5eed"  # as tests/include/testkit/seed.h: what the caller's environment says is not asked


class Broken(Exception):
    """A patch that is no test of anything."""


class Mutant:
    """One patch: the file that it changes, the lines before and after, the tests."""

    def __init__(self, path):
        self.name = os.path.basename(path)[:-len(".patch")]
        with open(path, encoding="utf-8") as file:
            text = file.read()
        head, _, diff = text.partition("\n--- ")
        tests = re.search(r"^Tests: (.+)$", head, re.MULTILINE)
        target = re.search(r"^\+\+\+ b/(\S+)", diff, re.MULTILINE)
        if tests is None or target is None:
            raise Broken(f"{self.name}.patch: no \"Tests:\" line, or no diff")
        if not re.sub(r"^Tests: .*$", "", head, flags=re.MULTILINE).strip():
            raise Broken(f"{self.name}.patch: does not say what it breaks")
        self.tests = tests.group(1).split()
        self.file = target.group(1)
        self.hunks = []
        for start, body in re.findall(r"^@@ -(\d+)[^\n]*\n((?:[ +\-][^\n]*\n?|\n)*)", diff, re.MULTILINE):
            lines = body.splitlines()
            self.hunks.append((int(start) - 1, [line[1:] for line in lines if not line.startswith("+")],
                               [line[1:] for line in lines if not line.startswith("-")]))
        if not self.hunks:
            raise Broken(f"{self.name}.patch: no diff")

    def apply(self, text):
        """@text with the fault. Each hunk goes where its lines stand, nearest to where they stood."""
        lines = text.split("\n")
        for start, before, after in self.hunks:
            places = [i for i in range(len(lines) - len(before) + 1) if lines[i:i + len(before)] == before]
            if not places:
                raise Broken(f"{self.name}.patch: does not apply to {self.file} any more")
            at = min(places, key=lambda place: abs(place - start))
            lines[at:at + len(before)] = after
        return "\n".join(lines)


def run(command, timeout=None, **options):
    """(exit code or None if it took too long, output)"""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=timeout, check=False, **options)
    except subprocess.TimeoutExpired:
        return None, "took too long"
    return done.returncode, done.stdout


def copy_tree(source, target):
    """Make @target like @source, touching only what differs: what was built stays built."""
    wanted = set()
    for folder, folders, names in os.walk(source):
        folders[:] = [name for name in folders if name not in NEVER_COPIED]
        for name in names:
            relative = os.path.relpath(os.path.join(folder, name), source)
            if fnmatch.fnmatch(name, "*.pyc"):
                continue
            wanted.add(relative)
            there = os.path.join(target, relative)
            os.makedirs(os.path.dirname(there), exist_ok=True)
            here = os.path.join(source, relative)
            if not (os.path.exists(there) and filecmp.cmp(here, there, shallow=False)):
                shutil.copyfile(here, there)
                shutil.copymode(here, there)
    for folder, _, names in os.walk(target):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.relpath(path, target) not in wanted:
                os.unlink(path)


class Worker:
    """A copy of the tree and its build."""

    def __init__(self, source, folder, jobs):
        self.tree = os.path.join(folder, "tree")
        self.folder = os.path.join(folder, "build")
        self.jobs = str(jobs)
        self.programs = {}
        self.limits = {}
        self.environment = dict(os.environ, ASH_TEST_SEED=SEED, CCACHE_BASEDIR=folder, CCACHE_NOHASHDIR="1")
        copy_tree(source, self.tree)
        options = ["-DASHLAR_WERROR=OFF"]
        if shutil.which("ccache"):
            options.append("-DCMAKE_C_COMPILER_LAUNCHER=ccache")
        code, said = run(["cmake", "-S", self.tree, "-B", self.folder, *options], env=self.environment)
        if code != 0:
            raise Broken(said[-4000:])

    def build(self, tests):
        return run(["cmake", "--build", self.folder, "-j", self.jobs, "--target", *tests], env=self.environment)

    def prepare(self, tests):
        """Build @tests without a fault and see them pass: a test that fails anyway finds nothing."""
        tests = [test for test in tests if test not in self.programs]
        if not tests:
            return
        code, said = self.build(tests)
        if code != 0:
            raise Broken(f"without any fault, {' '.join(tests)}: does not build\n{said[-4000:]}")
        for folder, _, names in os.walk(os.path.join(self.folder, "tests")):
            for name in names:
                path = os.path.join(folder, name)
                if name in tests and os.access(path, os.X_OK) and os.path.isfile(path):
                    self.programs[name] = path
        for test in tests:
            begin = time.monotonic()
            if test not in self.programs:
                raise Broken(f"{test}: there is no program of this name")
            code, said = self.run_test(test, 300)
            if code != 0:
                raise Broken(f"without any fault, {test} fails:\n{said[-4000:]}")
            self.limits[test] = SLACK + 5 * (time.monotonic() - begin)

    def run_test(self, test, limit):
        return run([self.programs[test]], timeout=limit, env=self.environment, cwd=os.path.dirname(self.programs[test]))

    def try_one(self, mutant):
        """The test that found it, or None."""
        path = os.path.join(self.tree, mutant.file)
        with open(path, encoding="utf-8") as file:
            good = file.read()
        bad = mutant.apply(good)
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(bad)
            code, said = self.build(mutant.tests)
            if code != 0:
                raise Broken(f"{mutant.name}.patch: what it makes does not compile\n{said[-3000:]}")
            for test in mutant.tests:
                if self.run_test(test, self.limits[test])[0] != 0:
                    return test
            return None
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(good)


def work(source, folder, jobs, batches, report, deadline):
    """Take batches (mutants of one part) until there are none: a copy builds what its batches need, no more.
    Returns how many there was no time for."""
    late = 0
    try:
        worker = Worker(source, folder, jobs)
    except Broken as problem:
        report.append(("the copy of the tree", str(problem)))
        return late
    while True:
        try:
            batch = batches.get_nowait()
        except queue.Empty:
            return late
        if time.monotonic() > deadline:
            late += len(batch)
            continue
        try:
            worker.prepare(sorted({test for mutant in batch for test in mutant.tests}))
        except Broken as problem:
            report.append((batch[0].name + "…", str(problem)))
            continue
        for mutant in batch:
            begin = time.monotonic()
            if begin > deadline:
                late += 1
                continue
            try:
                found = worker.try_one(mutant)
            except (Broken, FileNotFoundError) as problem:
                report.append((mutant.name, str(problem)))
                continue
            seconds = time.monotonic() - begin
            if found is None:
                report.append((mutant.name, f"tests/mutants/{mutant.name}.patch SURVIVED {' '.join(mutant.tests)}"))
                print(f"SURVIVED {mutant.name} ({seconds:.1f} s)", flush=True)
            else:
                print(f"killed   {mutant.name} by {found} ({seconds:.1f} s)", flush=True)


def batches_of(mutants):
    """By the part that the name begins with (libstage2-…), hv's, whose tests are the slowest, last."""
    parts = {}
    for mutant in mutants:
        parts.setdefault(mutant.name.split("-")[0], []).append(mutant)
    for part in sorted(parts, key=lambda name: (name == "hv", -len(parts[name]))):
        for begin in range(0, len(parts[part]), BATCH):
            yield parts[part][begin:begin + BATCH]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--source", default=ROOT)
    parser.add_argument("--build", default=os.path.join(ROOT, "build/mutants"))
    parser.add_argument("--patches", default=HERE)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    arguments = parser.parse_args()
    begin = time.monotonic()
    report = []
    mutants = []
    for path in sorted(glob.glob(os.path.join(arguments.patches, "*.patch"))):
        try:
            mutants.append(Mutant(path))
        except Broken as problem:
            report.append((os.path.basename(path), str(problem)))
    if arguments.names:
        mutants = [mutant for mutant in mutants if any(name in mutant.name for name in arguments.names)]
    if not mutants and not report:
        sys.exit("mutants: there are none")
    batches = queue.Queue()
    for batch in batches_of(mutants):
        batches.put(batch)
    cores = os.cpu_count() or 1
    workers = min(cores, 4, batches.qsize())
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        done = [pool.submit(work, arguments.source, os.path.join(arguments.build, str(i)), max(1, cores // workers),
                            batches, report, begin + arguments.seconds) for i in range(workers)]
        late = sum(each.result() for each in done)
    for _, problem in report:
        print(problem)
    summary = f"mutants: {len(mutants) - late} faults planted, {len(report)} to mend, {time.monotonic() - begin:.0f} s"
    if late:
        summary += f"; {late} more are ./check soak's"
    print(summary)
    os.makedirs(os.path.join(arguments.build, "report"), exist_ok=True)
    with open(os.path.join(arguments.build, "report", "mutants.txt"), "w", encoding="utf-8") as file:
        file.write(summary + "\n")
    return 1 if report else 0


if __name__ == "__main__":
    sys.exit(main())
