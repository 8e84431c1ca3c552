# SPDX-License-Identifier: BSD-2-Clause
"""layers.py on trees with one fault each."""
import unittest

from support import TreeTest

ALLOWED = {
    "libvgic/src/a.c": "#include <libvgic/vgic.h>\n#include <libbase/bits.h>\n#include <stdint.h>\n",
    "libvgic/src/b.c": "#include \"internal.h\"\n",
    "libvgic/src/internal.h": "#include \"part_of_it.h\"\n",
    "libboot/src/fdt.c": "#include <libfdt.h>\n",
    "libvgic/src/aarch64/el2.c": "int f(void)\n{\n    __asm__(\"isb\");\n}\n",
    "hv/core/vm.c": "#include \"arch/arch.h\"\n#include \"glue/stage2.h\"\n#include <libvcpu/context.h>\n",
    "hv/arch/aarch64/exit.c": "#include \"drivers/gicv3.h\"\n#include <libvcpu/el2.h>\n",
    "hv/arch/host/host.c": "#include <pthread.h>\n",
    "tests/unit/libvgic/a_test.c": "#include <libvgic/vgic.h>\n#include <stdlib.h>\n",
}
# name, text, what is said
FAULTS = (
    ("libvgic/src/a.c", "#include <libvcpu/context.h>\n", "libvgic includes libvcpu"),
    ("libvgic/src/a.c", "#include <string.h>\n", "string.h"),
    ("libvgic/src/a.c", "#  include <stdio.h>\n", "stdio.h"),
    ("libvgic/src/a.c", "#include <libfdt.h>\n", "libfdt.h"),
    ("libvgic/src/a.c", "#include \"vgic_state.h\"\n", "internal.h"),
    ("libvgic/src/a.c", "#include \"../../libvcpu/src/internal.h\"\n", "another library's src"),
    ("libvgic/include/libvgic/a.h", "#include \"vgic.h\"\n", "<libX/...>"),
    ("libbase/include/libbase/a.h", "#include <string.h>\n", "string.h"),
    ("libbase/include/libbase/a.h", "#include <libvgic/vgic.h>\n", "libbase includes libvgic"),
    ("hv/core/a.c", "#include \"arch/aarch64/sysreg.h\"\n", "arch/arch.h only"),
    ("hv/core/a.c", "#include \"drivers/pl011.h\"\n", "drivers"),
    ("hv/core/a.c", "#include \"memmap.h\"\n", "path from hv/"),
    ("hv/core/a.c", "#include <stdio.h>\n", "freestanding"),
    ("hv/glue/a.c", "#include <libvgic/el2.h>\n", "EL2 half"),
    ("hv/vdev/a.h", "#include \"arch/aarch64/mmu.h\"\n", "arch/arch.h only"),
    ("hv/drivers/a.c", "#include <errno.h>\n", "freestanding"),
    ("hv/arch/aarch64/a.c", "#include \"arch/host/host.h\"\n", "one architecture"),
    ("hv/arch/host/a.c", "#include \"arch/aarch64/sysreg.h\"\n", "real hardware"),
    ("tests/unit/libvgic/a_test.c", "#include <libstage2/stage2.h>\n", "a library links alone"),
    ("tests/unit/libvgic/a_test.c", "#include \"../../../libvgic/src/internal.h\"\n", "src"),
    ("hv/core/a.c", "int x = 1;\nint f(void) { return read(HCR_EL2); }\n", "exception level (_EL2)"),
    ("hv/core/a.c", "uint64_t esr_el2;\n", "exception level"),
    ("hv/core/a.c", "void f(void) { __asm__ volatile(\"wfi\"); }\n", "inline assembly"),
    ("libvgic/src/a.S", "    nop\n", "assembly stands"),
)


class Layers(TreeTest):
    def test_what_the_law_allows_passes(self):
        for name, text in ALLOWED.items():
            self.put(name, text)
        self.assert_clean("layers.py")

    def test_each_breach_is_found(self):
        for name, text, reason in FAULTS:
            with self.subTest(name=name, text=text):
                self.setUp()
                self.put(name, text)
                self.assert_finds("layers.py", f"{name}:", reason)

    def test_the_line_is_named(self):
        self.put("libvgic/src/a.c", "#include <stdint.h>\n\n#include <stdio.h>\n")
        self.assert_finds("layers.py", "libvgic/src/a.c:3: ", "stdio.h")

    def test_comments_and_strings_are_not_code(self):
        self.put("hv/core/a.c", "/* EL2 and asm\n * HCR_EL2 */\nconst char *s = \"EL2 asm\"; // EL1\n")
        self.assert_clean("layers.py")

    def test_an_empty_tree_is_no_success(self):
        self.assert_finds("layers.py", "", "nothing was looked at")


if __name__ == "__main__":
    unittest.main()
