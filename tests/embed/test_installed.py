# SPDX-License-Identifier: BSD-2-Clause
"""The installed package: used from another place than it was installed to, by every way, and refused by name."""
import glob
import os
import shutil
import subprocess
import tempfile
import unittest

from support import HERE, LIBRARIES, ROOT, EmbedTest, run

ANYTHING = """\
cmake_minimum_required(VERSION 3.21)
project(anything LANGUAGES C)
find_package(ashlar {request})
message(STATUS "found=${{ashlar_FOUND}}")
"""


class Installed(EmbedTest):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="ashlar-embed-installed-")
        cls.addClassCleanup(holder.cleanup)
        cls.prefix = cls.install(os.path.join(holder.name, "moved here"))

    def consume(self, request, *options):
        with open(os.path.join(self.folder, "CMakeLists.txt"), "w", encoding="ascii") as f:
            f.write(ANYTHING.format(request=request))
        shutil.rmtree(os.path.join(self.folder, "build"), ignore_errors=True)
        return self.configure(self.folder, os.path.join(self.folder, "build"), self.prefix, *options)

    def pkg_config(self, *arguments):
        folder = os.path.join(self.prefix, "lib/pkgconfig")
        done = subprocess.run(["pkg-config", *arguments], env=dict(os.environ, PKG_CONFIG_PATH=folder),
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_every_component_works_in_c_and_in_cpp_and_no_name_clashes(self):
        for compilers in ((), ("-DCMAKE_C_COMPILER=clang", "-DCMAKE_CXX_COMPILER=clang++")):
            build = os.path.join(self.folder, f"build{len(compilers)}")
            code, said = self.configure(os.path.join(HERE, "hosted"), build, self.prefix, *compilers)
            self.assertEqual(code, 0, said)
            self.must("cmake", "--build", build, "-j2")
            for program in ("every_c", "every_cpp", "clash_c"):
                self.assertRegex(self.must(os.path.join(build, program)), "^PASS")

    def test_nothing_installed_names_where_it_was_made(self):
        looked_at = 0
        for path in glob.glob(os.path.join(glob.escape(self.prefix), "**"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    text = f.read()
                looked_at += 1
                self.assertNotIn(b"/ashlar-install-", text, path)
                if not path.endswith(".a"): # debug information names sources
                    self.assertNotIn(ROOT.encode(), text, path)
        self.assertGreater(looked_at, 30)

    def test_a_version_is_accepted_within_its_minor(self):
        for request in ("", "0.1", "0.1.0", "0.1.0 EXACT", "0.1...<0.2"):
            code, said = self.consume(f"{request} REQUIRED")
            self.assertEqual(code, 0, said)
            self.assertIn("found=1", said.replace("found=TRUE", "found=1"))

    def test_any_other_version_is_refused(self):
        for request in ("0.2", "0.1.1", "0.0.9", "0.0", "1.0", "1"):
            code, said = self.consume(f"{request} REQUIRED")
            self.assertNotEqual(code, 0, f"{request} is accepted")
            self.assertIn("version: 0.1.0", said)

    def test_a_component_that_is_not_there_is_named(self):
        code, said = self.consume("0.1 REQUIRED COMPONENTS stage2 vgic_el2 nonsense")
        self.assertNotEqual(code, 0)
        for word in ("no component vgic_el2", "no component nonsense", "it has: base"):
            self.assertIn(word, " ".join(said.split()))
        self.assertEqual(self.consume("0.1 REQUIRED COMPONENTS stage2 OPTIONAL_COMPONENTS nonsense")[0], 0)

    def test_another_environment_is_refused_in_words(self):
        code, said = self.consume("0.1 REQUIRED", "--toolchain", os.path.join(ROOT, "toolchains/aarch64.cmake"),
                                  "-DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=BOTH")
        self.assertNotEqual(code, 0)
        self.assertIn("it is hosted", " ".join(said.split()))
        self.assertIn("this build is freestanding", " ".join(said.split()))

    def test_another_processor_is_refused_in_words(self):
        code, said = self.consume("0.1 REQUIRED", "-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=riscv64")
        self.assertNotEqual(code, 0)
        self.assertIn("this build for \"riscv64\"", " ".join(said.split()))

    def test_pkg_config_follows_the_moved_prefix(self):
        for library in LIBRARIES:
            code, flags = self.pkg_config("--cflags", "--libs", f"ashlar-{library}")
            self.assertEqual(code, 0, flags)
            self.assertIn("moved\\ here", flags)
            self.assertIn(f"-l{library}", flags)
            self.assertEqual(self.pkg_config("--modversion", f"ashlar-{library}"), (0, "0.1.0\n"))
            self.assertEqual(self.pkg_config("--print-requires", f"ashlar-{library}"), (0, "ashlar-base = 0.1.0\n"))

    def test_pkg_config_knows_the_version(self):
        self.assertEqual(self.pkg_config("--exists", "ashlar-stage2 >= 0.1 ashlar-stage2 < 0.2")[0], 0)
        self.assertNotEqual(self.pkg_config("--exists", "ashlar-stage2 >= 0.2")[0], 0)

    def test_one_program_links_every_library_by_pkg_config(self):
        code, flags = self.pkg_config("--cflags", "--libs", *[f"ashlar-{library}" for library in LIBRARIES])
        self.assertEqual(code, 0)
        every = os.path.join(HERE, "hosted/every.c")
        self.must("sh", "-ec", f"cc -std=c11 -DPACKAGE_VERSION='\"0.1.0\"' -o every '{every}' {flags.strip()}")
        self.assertRegex(self.must("./every"), "^PASS")


class Chosen(EmbedTest):
    def test_one_library_can_be_installed_alone(self):
        prefix = self.install(os.path.join(self.folder, "prefix"), "-DASHLAR_ONLY=vgic")
        self.assertEqual(os.listdir(os.path.join(prefix, "lib/ashlar")), ["libvgic.a"])
        self.assertEqual(sorted(os.listdir(os.path.join(prefix, "include"))), ["libbase", "libvgic"])

    def test_a_library_that_is_not_there_is_named(self):
        code, said = run(["cmake", "-S", ROOT, "-B", "build", "-DASHLAR_BUILD_TESTS=OFF", "-DASHLAR_BUILD_HV=OFF",
                          "-DASHLAR_ONLY=vgic;nonsense"], self.folder)
        self.assertNotEqual(code, 0)
        self.assertIn("no library nonsense", said)


if __name__ == "__main__":
    unittest.main()
