# SPDX-License-Identifier: BSD-2-Clause
"""tests/mutants/run.py on a tree of its own, with a build that only pretends: what it must find is planted."""
import os
import subprocess
import sys
import unittest

from support import ROOT, FolderTest

RUN = os.path.join(ROOT, "tests/mutants/run.py")
# "Builds" each target by copying tests/NAME from the tree; a source that says "broken" does not compile.
CMAKE = """#!/bin/sh
case $1 in
-S) mkdir -p "$4/tests"; echo "$2" >"$4/source"; exit 0 ;;
--build)
    tree=$(cat "$2/source"); folder=$2
    if grep -rq broken "$tree/lib"; then echo "error: broken"; exit 1; fi
    shift 5
    for name in "$@"; do cp "$tree/tests/$name" "$folder/tests/$name"; done ;;
esac
"""
SOURCE = "one\ntwo\nthree\nfour\nfive\nsix\n"
TEST = '#!/bin/sh\ngrep -q "^three$" "$(cat "$(dirname "$0")/../source")/lib/a.c"\n'


class Mutants(FolderTest):
    def setUp(self):
        super().setUp()
        self.put("bin/cmake", CMAKE, executable=True)
        self.put("tree/lib/a.c", SOURCE)
        self.put("tree/tests/looks", TEST, executable=True)
        self.put("tree/tests/blind", "#!/bin/sh\nexit 0\n", executable=True)
        self.put("tree/tests/fails", "#!/bin/sh\nexit 1\n", executable=True)
        os.makedirs(self.path("patches"))

    def patch(self, name, tests, new="3", context=("two", "four"), why="It breaks three.\n"):
        self.put(f"patches/{name}.patch", f"{why}\nTests: {tests}\n\n--- a/lib/a.c\n+++ b/lib/a.c\n@@ -2,3 +2,3 @@\n"
                 f" {context[0]}\n-three\n+{new}\n {context[1]}\n".encode())

    def run_all(self, *options):
        done = subprocess.run([sys.executable, "-B", RUN, "--source", self.path("tree"), "--build", self.path("build"),
                               "--patches", self.path("patches"), *options], env=self.environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done

    def refused(self, *words):
        done = self.run_all()
        self.assertEqual(done.returncode, 1, done.stdout)
        for word in words:
            self.assertIn(word, done.stdout)

    def test_a_fault_that_a_test_notices_is_killed(self):
        self.patch("lib-x", "blind looks")
        done = self.run_all()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("killed   lib-x by looks", done.stdout)

    def test_a_fault_that_no_test_notices_is_named(self):
        self.patch("lib-x", "blind")
        self.refused("tests/mutants/lib-x.patch SURVIVED blind")

    def test_one_survivor_among_many_is_a_failure(self):
        self.patch("lib-a", "looks")
        self.patch("lib-b", "blind")
        self.patch("other-c", "looks")
        self.refused("lib-b.patch SURVIVED", "killed   lib-a", "killed   other-c", "3 faults planted, 1 to mend")

    def test_what_there_is_no_time_for_is_counted(self):
        self.patch("lib-a", "looks")
        self.patch("hv-b", "blind")
        done = self.run_all("--seconds", "0")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("mutants: 0 faults planted, 0 to mend, ", done.stdout)
        self.assertIn("; 2 more are ./check soak's", done.stdout)

    def test_a_patch_that_no_longer_applies_is_named(self):
        self.patch("lib-x", "looks", context=("two", "forty"))
        self.refused("lib-x.patch: does not apply to lib/a.c")

    def test_lines_may_have_moved(self):
        self.put("tree/lib/a.c", "new\n" * 50 + SOURCE)
        self.patch("lib-x", "looks")
        self.assertEqual(self.run_all().returncode, 0)

    def test_a_fault_that_does_not_compile_is_named(self):
        self.patch("lib-x", "looks", new="broken")
        self.refused("lib-x.patch: what it makes does not compile")

    def test_a_test_that_fails_anyway_kills_nothing(self):
        self.patch("lib-x", "fails")
        self.refused("without any fault, fails fails")

    def test_a_patch_without_tests_or_a_reason_is_refused(self):
        self.patch("lib-x", "looks", why="")
        self.put("patches/lib-y.patch", b"Why.\n\n--- a/lib/a.c\n+++ b/lib/a.c\n@@ -1,1 +1,1 @@\n-one\n+1\n")
        self.refused("lib-x.patch: does not say", "lib-y.patch: no \"Tests:\"")

    def test_the_tree_and_the_copy_are_as_before(self):
        self.patch("lib-x", "looks")
        self.run_all()
        self.assertEqual(self.get("tree/lib/a.c"), SOURCE)
        self.assertEqual(self.get("build/0/tree/lib/a.c"), SOURCE)

    def test_no_patch_at_all_is_a_failure(self):
        done = subprocess.run([sys.executable, "-B", RUN, "--source", self.path("tree"), "--build", self.path("build"),
                               "--patches", self.path("patches")], env=self.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)

    def test_the_tree_has_at_least_40_over_all_libraries(self):
        names = [name for name in os.listdir(os.path.join(ROOT, "tests/mutants")) if name.endswith(".patch")]
        self.assertGreaterEqual(len(names), 40)
        for part in ("libbase", "libboot", "libstage2", "libvcpu", "libvgic", "libvirtio", "libvtimer", "hv"):
            self.assertTrue(any(name.startswith(part + "-") for name in names), part)


if __name__ == "__main__":
    unittest.main()
