# SPDX-License-Identifier: BSD-2-Clause
"""headers.py on headers with one fault each."""
import unittest

from support import TreeTest

GOOD = """\
#ifndef LIBX_X_H
#define LIBX_X_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
struct ash_x {
    uint32_t n;
};
int ash_x_init(struct ash_x *x, uint32_t n);
#ifdef __cplusplus
}
#endif
#endif
"""


class Headers(TreeTest):
    def setUp(self):
        super().setUp()
        self.put("toolchains/debian-12.packages", "gcc check any\nclang check any\n")

    def test_a_good_header_passes(self):
        self.put("libx/include/libx/x.h", GOOD)
        self.assert_clean("headers.py")

    def test_each_fault_is_found(self):
        for old, new, reason in (
                ("#include <stdint.h>\n", "", "-std=c11"),
                ("uint32_t n;", "uint32_t n; int class;", "-std=c++17"),
                ("uint32_t n;", "uint32_t n; int rest[];", "-std=c++17"),
                ("uint32_t n;", "uint32_t n; int none[0];", "-std=c11"),
                ("int ash_x_init(", "_Static_assert(1, \"\");\nint ash_x_init(", "-std=c++17"),
                ("int ash_x_init(", "void *memcpy(void *d, const void *s, unsigned long n);\nint ash_x_init(",
                 "-std=c++17"),
                ("#ifdef __cplusplus\nextern \"C\" {\n#endif\n", "#ifdef __cplusplus\nnamespace x {\n#endif\n",
                 "extern \"C\""),
                ("LIBX_X_H", "X_H", "no include guard LIBX_X_H")):
            with self.subTest(new=new):
                self.put("libx/include/libx/x.h", GOOD.replace(old, new))
                self.assert_finds("headers.py", "libx/include/libx/x.h:", reason)

    def test_no_header_is_no_success(self):
        self.assert_finds("headers.py", "", "nothing was looked at")


if __name__ == "__main__":
    unittest.main()
