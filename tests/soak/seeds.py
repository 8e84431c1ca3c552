#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run every randomised test of a build again and again, each time with a fresh seed, for a time.

Which ones these are is seen by the name ASH_TEST_SEED in the files that a test's command names. A failure is printed
with the line that repeats it; the others go on.

    tests/soak/seeds.py --build build/host --seconds 600 [NAME]     tests whose name matches the expression NAME
"""
import argparse
import json
import os
import re
import secrets
import subprocess
import sys
import time

WORD = b"ASH_TEST_SEED"
LABELS = {"unit", "model", "sim"}
TAIL = 40    # lines of a failure's output
ENOUGH = 10  # failures


class Test:
    def __init__(self, described):
        properties = {each["name"]: each["value"] for each in described.get("properties", [])}
        self.name = described["name"]
        self.command = described.get("command", [])
        self.labels = set(properties.get("LABELS", []))
        self.timeout = float(properties.get("TIMEOUT", 60))
        self.folder = properties.get("WORKING_DIRECTORY")
        self.environment = dict(each.split("=", 1) for each in properties.get("ENVIRONMENT", []))

    def takes_a_seed(self):
        """Does a file of its command know the variable?"""
        for word in self.command:
            if os.path.isfile(word):
                with open(word, "rb") as file:
                    if WORD in file.read():
                        return True
        return False

    def run(self, seed):
        """Returns what it said if it failed, else None."""
        environment = dict(os.environ, ASH_TEST_SEED=seed, **self.environment)
        try:
            done = subprocess.run(self.command, cwd=self.folder, env=environment, timeout=self.timeout, check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired as late:
            return (late.stdout or b"").decode(errors="replace") + f"\nnot done after {self.timeout:.0f} s"
        return None if done.returncode == 0 else done.stdout.decode(errors="replace")


def tests_of(build, name):
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True, stdout=subprocess.PIPE)
    tests = [Test(each) for each in json.loads(listing.stdout)["tests"]]
    return [test for test in tests if test.labels & LABELS and re.search(name, test.name) and test.takes_a_seed()]


def soak(tests, seconds):
    """Returns the number of failures."""
    end = time.monotonic() + seconds
    runs = failures = 0
    while time.monotonic() < end and failures < ENOUGH:
        for test in tests:
            seed = hex(secrets.randbits(64))
            said = test.run(seed)
            runs += 1
            if said is not None:
                failures += 1
                print("\n".join(said.splitlines()[-TAIL:]))
                print(f"FAILED {test.name}: repeat with ASH_TEST_SEED={seed} {' '.join(test.command)}", flush=True)
            if time.monotonic() >= end:
                break
    print(f"{len(tests)} tests, {runs} runs, {failures} failures")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", default="build/host")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("name", nargs="?", default="")
    options = parser.parse_args()
    tests = tests_of(options.build, options.name)
    if not tests:
        sys.exit(f"no randomised test in {options.build}")
    return 1 if soak(tests, options.seconds) else 0


if __name__ == "__main__":
    sys.exit(main())
