# SPDX-License-Identifier: BSD-2-Clause
import os
import subprocess
import unittest

from support import ROOT, TOOLS, FolderTest

INSTALLER = os.path.join(TOOLS, "install-packages")
LIST = """\
    # a comment
    alpha      run,check  any    # for all
    beta       check      any
    gamma      run        amd64
    delta      run        arm64  # not here
    """
# dpkg-query knows what the file "installed" names; apt-get install adds to it what it is asked for.
FAKES = {
    "dpkg": 'echo "${FAKE_ARCH:-amd64}"',
    "dpkg-query": 'shift 3; for p; do grep -qxF "$p" "$FAKE/installed" && echo "installed $p"; done; exit 1',
    "id": 'echo "${FAKE_UID:-0}"',
    "apt-get": """
        echo "apt-get $*" >>"$FAKE/log"
        case " $* " in *" update "*) exit 0 ;; esac
        left=$(cat "$FAKE/failures" 2>/dev/null || echo 0)
        if [ "$left" -gt 0 ]; then echo $((left - 1)) >"$FAKE/failures"; exit 100; fi
        [ -e "$FAKE/lies" ] && exit 0
        for word; do case $word in [a-z]*) echo "$word" >>"$FAKE/installed" ;; esac; done""",
    "sudo": """
        echo "sudo $*" >>"$FAKE/log"
        case $1 in -n | -v) [ -e "$FAKE/sudo-ok" ]; exit ;; esac
        exec "$@" """,
}


class InstallPackages(FolderTest):
    def setUp(self):
        super().setUp()
        for name, body in FAKES.items():
            if name != "sudo":
                self.put(f"bin/{name}", "#!/bin/sh\n" + body + "\n", executable=True)
        self.put("list", LIST)
        self.put("installed", "")

    def with_sudo(self, ok):
        self.put("bin/sudo", "#!/bin/sh\n" + FAKES["sudo"] + "\n", executable=True)
        if ok:
            self.put("sudo-ok", "")

    def run_it(self, *arguments, **more):
        # Only the fakes and the plainest tools: a sudo of this machine is not to be found.
        for tool in ("sh", "env", "awk", "sed", "grep", "cat", "dirname"):
            where = subprocess.run(["sh", "-c", f"command -v {tool}"], capture_output=True, text=True, check=True)
            if not os.path.lexists(self.path("bin", tool)):
                os.symlink(where.stdout.strip(), self.path("bin", tool))
        environment = {"PATH": self.path("bin"), "FAKE": self.folder, "ASHLAR_PACKAGE_LIST": self.path("list"), **more}
        return subprocess.run([INSTALLER, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)

    def installs(self):
        return [line for line in self.get("log", "").splitlines()
                if line.startswith("apt-get") and " install " in line]

    def test_only_what_the_group_needs_on_this_machine_is_installed(self):
        self.assertEqual(self.run_it("run").returncode, 0)
        self.assertEqual(self.get("installed").split()[-2:], ["alpha", "gamma"])
        self.assertNotIn("beta", self.get("log"))
        self.assertNotIn("delta", self.get("log"))

    def test_another_machine_needs_other_packages(self):
        self.assertEqual(self.run_it("run", FAKE_ARCH="arm64").returncode, 0)
        self.assertTrue(self.installs()[0].endswith("--no-install-recommends alpha delta"), self.installs())

    def test_what_is_there_is_not_asked_for(self):
        self.put("installed", "alpha\n")
        self.run_it("check")
        self.assertTrue(self.installs()[0].endswith("install -y --no-install-recommends beta"), self.installs())

    def test_the_index_is_updated_first(self):
        self.run_it("run")
        log = self.get("log").splitlines()
        self.assertIn(" update", log[0])
        self.assertIn(" install ", log[1])

    def test_nothing_is_called_when_nothing_is_missing(self):
        self.put("installed", "alpha\ngamma\n")
        done = self.run_it("run")
        self.assertEqual((done.returncode, done.stderr, self.get("log")), (0, "", None))

    def test_no_install_prints_the_exact_line_and_exits_2(self):
        done = self.run_it("run", "--no-install")
        self.assertEqual(done.returncode, 2)
        self.assertIn("apt-get update && apt-get install -y --no-install-recommends alpha gamma\n", done.stderr)
        self.assertIsNone(self.get("log"))

    def test_without_root_and_sudo_the_line_is_printed(self):
        done = self.run_it("run", FAKE_UID="1000")
        self.assertEqual(done.returncode, 2)
        self.assertIn("apt-get install -y --no-install-recommends alpha gamma\n", done.stderr)
        self.assertIsNone(self.get("log"))

    def test_without_root_nothing_is_said_when_nothing_is_missing(self):
        self.put("installed", "alpha\ngamma\n")
        self.assertEqual(self.run_it("run", FAKE_UID="1000").returncode, 0)

    def test_sudo_is_used_where_it_asks_nothing(self):
        self.with_sudo(ok=True)
        self.assertEqual(self.run_it("run", FAKE_UID="1000").returncode, 0)
        self.assertIn("sudo env", self.get("log"))
        self.assertEqual(len(self.installs()), 1)

    def test_a_sudo_that_wants_a_password_without_a_terminal_is_not_called(self):
        self.with_sudo(ok=False)
        done = self.run_it("run", FAKE_UID="1000")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(self.installs(), [])
        self.assertIn("sudo wants a password", done.stderr)

    def test_one_failure_is_tried_again(self):
        self.put("failures", "1\n")
        self.assertEqual(self.run_it("run").returncode, 0)
        self.assertEqual(len(self.installs()), 2)

    def test_two_failures_end_with_1_and_the_line(self):
        self.put("failures", "2\n")
        done = self.run_it("run")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(self.installs()), 2)
        self.assertIn("apt-get install -y --no-install-recommends alpha gamma\n", done.stderr)

    def test_an_install_that_changed_nothing_is_not_believed(self):
        self.put("lies", "")
        done = self.run_it("run")
        self.assertEqual(done.returncode, 1)
        self.assertIn("still missing after installing: alpha gamma", done.stderr)

    def test_an_unknown_group_is_refused(self):
        for arguments in ((), ("all",)):
            self.assertEqual(self.run_it(*arguments).returncode, 2)


class TheList(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(ROOT, "toolchains/debian-12.packages"), encoding="utf-8") as f:
            text = [line.split("#")[0].split() for line in f]
        self.lines = [line for line in text if line]

    def test_every_line_has_package_groups_and_hosts(self):
        for line in self.lines:
            self.assertEqual(len(line), 3, line)
            self.assertLessEqual(set(line[1].split(",")), {"run", "check"}, line)
            self.assertIn(line[2], ("any", "amd64", "arm64"), line)

    def test_no_package_is_asked_for_twice(self):
        seen = [(package, host) for package, groups, hosts in self.lines
                for host in (("amd64", "arm64") if hosts == "any" else (hosts,))]
        self.assertEqual(len(seen), len(set(seen)))

    def test_check_needs_all_that_run_needs(self):
        for line in self.lines:
            if "run" in line[1].split(","):
                self.assertIn("check", line[1].split(","), line)


if __name__ == "__main__":
    unittest.main()
