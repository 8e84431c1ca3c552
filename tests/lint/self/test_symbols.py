# SPDX-License-Identifier: BSD-2-Clause
"""symbols.py on archives with one fault each, compiled for the occasion."""
import os
import subprocess
import unittest

from support import TreeTest

GOOD = """\
#include <stddef.h>
void *memcpy(void *d, const void *s, size_t n);
struct big { char b[4096]; };
extern int ash_vtimer_later_(struct big *a, const struct big *b);
static int (*const table[])(struct big *, const struct big *) = {ash_vtimer_later_};
int ash_vtimer_later_(struct big *a, const struct big *b) { memcpy(a, b, sizeof(*a)); return 0; }
int ash_vtimer_init(struct big *a, const struct big *b, int i) { return table[i](a, b); }
"""


class Symbols(TreeTest):
    def setUp(self):
        super().setUp()
        self.put("libvtimer/CMakeLists.txt")
        self.put("libvtimer/include/libvtimer/vtimer.h", "int ash_vtimer_init(void);\nint ash_vtimer_odd_(void);\n"
                 "/* ash_vtimer_spoken_of() is not declared */\n")

    def archive(self, source, library="vtimer", name=None):
        folder = os.path.dirname(self.put(f"build/lib{library}/a.c", source))
        for command in (["gcc", "-c", "-O2", "-ffreestanding", "-fPIE", "a.c", "-o", "a_long_object_name.c.o"],
                        ["ar", "rcs", name or f"lib{library}.a", "a_long_object_name.c.o"]):
            subprocess.run(command, cwd=folder, check=True)

    def build(self):
        return os.path.join(self.root, "build")

    def test_a_good_archive_passes(self):
        self.archive(GOOD)
        self.assert_clean("symbols.py", self.build())

    def test_each_fault_is_found(self):
        for source, reason in (
                ("int vtimer_start(void) { return 0; }", "vtimer_start: lacks the prefix"),
                ("int ash_vtimer_spoken_of(void) { return 0; }", "ends in an underscore"),
                ("int ash_vtimer_odd_(void) { return 0; }", "in a public header"),
                ("int puts(const char *); int ash_vtimer_init(void) { return puts(\"\"); }", "puts: undefined"),
                ("int fdt_next(void); int ash_vtimer_init(void) { return fdt_next(); }", "fdt_next: undefined"),
                ("static int n; int ash_vtimer_init(void) { return n++; }", "writable data (.bss"),
                ("int ash_vtimer_state_ = 3;", "writable data (.data")):
            with self.subTest(source=source):
                self.archive(source)
                self.assert_finds("symbols.py", "build/libvtimer/libvtimer.a(a_long_object_name.c.o): ", reason,
                                  self.build())

    def test_libboot_may_want_libfdt(self):
        self.archive(GOOD)
        self.put("libboot/include/libboot/a.h", "int ash_boot_a(void);\n")
        self.archive("int fdt_next(void); int ash_boot_a(void) { return fdt_next(); }", "boot")
        self.assert_clean("symbols.py", self.build())

    def test_an_el2_half_may_want_its_library(self):
        self.put("libvtimer/include/libvtimer/el2.h", "int ash_vtimer_el2_load(void);\n")
        half = "int ash_vtimer_{}(void); int ash_vtimer_el2_load(void) {{ return ash_vtimer_{}(); }}"
        self.archive(half.format("init", "init"), name="libvtimer_el2.a")
        self.archive(GOOD)
        self.assert_clean("symbols.py", self.build())
        self.archive(half.format("gone", "gone"), name="libvtimer_el2.a")
        self.archive(GOOD)
        self.assert_finds("symbols.py", "build/libvtimer/libvtimer_el2.a(", "ash_vtimer_gone: undefined", self.build())

    def test_an_archive_that_was_not_built_is_said(self):
        self.assert_finds("symbols.py", "libvtimer.a", "not built", self.build())


if __name__ == "__main__":
    unittest.main()
