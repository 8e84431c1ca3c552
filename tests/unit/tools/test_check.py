# SPDX-License-Identifier: BSD-2-Clause
"""./check in a copy of the tree, with a build that only pretends."""
import os
import shutil
import subprocess
import unittest

from support import ROOT, FolderTest

PARTS = "unit model fuzz sim lint embed guest system bench coverage mutants soak".split()
FAKES = {
    "cmake": 'echo "cmake $*" >>"$FAKE/log"; [ -e "$FAKE/broken" ] && { echo "error: x.c"; exit 1; }; exit 0',
    # The file "have" lists the labels that have tests.
    "ctest": """
        case " $* " in
        *" -N "*)
            label=${5#^}; label=${label%$}
            if grep -qx "$label" "$FAKE/have"; then echo "Total Tests: 3"; else echo "Total Tests: 0"; fi
            exit 0 ;;
        esac
        echo "ctest $*" >>"$FAKE/log"
        echo "100% tests passed, 0 tests failed out of 3"
        [ ! -e "$FAKE/red" ] || exit 8""",
}


class Check(FolderTest):
    def setUp(self):
        super().setUp()
        for name, body in FAKES.items():
            self.put(f"bin/{name}", "#!/bin/sh\n" + body + "\n", executable=True)
        os.makedirs(self.path("tree"))
        shutil.copy(os.path.join(ROOT, "check"), self.path("tree/check"))
        self.put("tree/hv/tools/install-packages", '#!/bin/sh\necho "install $*" >>"$FAKE/log"\n', executable=True)
        self.put("have", "unit\nmodel\nsystem\nsoak\n")

    def check(self, *arguments):
        return subprocess.run([self.path("tree/check"), *arguments], env=self.environment(FAKE=self.folder),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def ran(self):
        line = next((line for line in self.get("log").splitlines() if line.startswith("ctest ")), "")
        return line.split("^(")[1].split(")$")[0].split("|") if line else []

    def test_by_default_every_part_but_soak_runs(self):
        done = self.check()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.ran(), ["unit", "model", "system"])

    def test_all_is_soak_too(self):
        self.check("all")
        self.assertEqual(self.ran(), ["unit", "model", "system", "soak"])

    def test_only_what_is_named_runs(self):
        self.check("model", "unit")
        self.assertEqual(sorted(self.ran()), ["model", "unit"])
        self.assertNotIn("BSP=", self.get("log"))

    def test_parts_that_boot_hv_build_it(self):
        self.check("system")
        self.assertIn("-DBSP=qemu-virt --toolchain toolchains/aarch64.cmake", self.get("log"))

    def test_a_part_without_tests_says_so_and_is_no_failure(self):
        done = self.check("fuzz")
        self.assertEqual(done.returncode, 0)
        self.assertIn("check: fuzz: no tests yet", done.stdout)
        self.assertEqual(self.ran(), [])

    def test_ctests_summary_comes_last(self):
        self.assertTrue(self.check().stdout.endswith("100% tests passed, 0 tests failed out of 3\n"))

    def test_a_failing_test_is_a_failure(self):
        self.put("red", "")
        self.assertNotEqual(self.check("unit").returncode, 0)

    def test_a_failing_build_is_a_failure_and_shows_why(self):
        self.put("broken", "")
        done = self.check("unit")
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: x.c", done.stdout)
        self.assertEqual(self.ran(), [])

    def test_packages_are_set_up_first_and_no_install_is_passed_on(self):
        self.check("unit", "--no-install")
        self.assertEqual(self.get("log").splitlines()[0], "install check --no-install")

    def test_an_unknown_part_is_refused_with_the_right_ones(self):
        done = self.check("units")
        self.assertEqual(done.returncode, 2)
        for part in PARTS:
            self.assertIn(part, done.stderr)
        self.assertIsNone(self.get("log"))

    def test_update_is_the_benchmarks_alone(self):
        self.put("bin/python3", '#!/bin/sh\necho "python3 $*" >>"$FAKE/log"\n', executable=True)
        for words in (["--update"], ["unit", "--update"], ["bench", "unit", "--update"], ["all", "--update"]):
            done = self.check(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("./check bench --update", done.stderr)
        self.assertIsNone(self.get("log"))
        self.assertEqual(self.check("bench", "--update").returncode, 0)
        self.assertEqual(self.get("log").splitlines()[-2:], ["python3 -B tests/bench/bench.py --update",
                                                             "python3 -B tests/bench/bench_rpi3.py --update"])
        self.assertEqual(self.ran(), [])

    def test_help_names_every_part(self):
        done = self.check("--help")
        self.assertEqual(done.returncode, 0)
        for part in [*PARTS, "all"]:
            self.assertIn(f"  {part} ", done.stdout)


if __name__ == "__main__":
    unittest.main()
