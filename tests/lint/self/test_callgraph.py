# SPDX-License-Identifier: BSD-2-Clause
"""callgraph.py on small images: a panic that is reached in each of the ways that there are, and not."""
import os
import subprocess
import unittest

from support import TreeTest

# A guest's exits, a hundred functions behind them, and a panic that boot code calls.
FRAME = """\
    .text
    .globl _start, hv_panic
    .type hv_panic, %function
    .type boot, %function
_start: bl boot
0:  b 0b
guest_sync:
    bl handle
guest_irq:
    ret
guest_serror:
    {serror}
guest_unexpected:
    b vcpu_leave
vcpu_leave:
    ret
handle:
    {handle}
    ret
    {chain}
boot:
    {boot}
    {panic}
innocent:
    {innocent}
    ret
hv_panic:
    b .
    .data
    {data}
"""


class CallGraph(TreeTest):
    def image(self, **pieces):
        chain = "\n".join(f"f{i}: bl f{i + 1}\n    ret" for i in range(110)) + "\nf110: ret"
        usual = {"serror": "nop", "handle": "bl f0", "chain": chain, "boot": "nop", "panic": "bl hv_panic",
                 "innocent": "nop", "data": ".quad 0"}
        source = FRAME.format(**{**usual, **pieces})
        self.put("build/hv/hv.S", source)
        folder = os.path.join(self.root, "build", "hv")
        subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,-pie", "-Wl,--no-dynamic-linker",
                        "-Wl,--build-id=none", "-o", "hv.elf", "hv.S"], cwd=folder, check=True)
        return os.path.join(self.root, "build")

    def test_a_panic_of_the_start_alone_passes(self):
        self.assert_clean("callgraph.py", self.image())

    def test_each_way_to_a_panic_is_found(self):
        for way, pieces in {
                "call": {"handle": "bl f0\n    bl hv_panic"},
                "jump": {"handle": "bl f0\n    b hv_panic"},
                "branch on a condition": {"handle": "bl f0\n    cbz x0, hv_panic\n    b.eq hv_panic"},
                "branch on a bit": {"handle": "bl f0\n    tbnz x0, #3, hv_panic"},
                "deep": {"chain": "f0: bl innocent\n" + "\n".join(f"f{i}: bl f{i + 1}" for i in range(1, 110)) +
                                  "\nf110: ret", "handle": "bl f0\n    bl f1", "innocent": "bl hv_panic"},
                "behind a label": {"serror": "nop\nelsewhere: nop\n    bl hv_panic"},
                "pointer in data": {"handle": "bl f0\n    blr x1", "innocent": "bl hv_panic",
                                    "data": ".quad innocent"},
                "pointer made by code": {"handle": "bl f0\n    br x1", "innocent": "bl hv_panic",
                                         "boot": "adrp x0, innocent\n    add x0, x0, :lo12:innocent"},
                "pointer made by one instruction": {"handle": "bl f0\n    blr x1", "innocent": "bl hv_panic",
                                                    "boot": "adr x0, innocent"}}.items():
            with self.subTest(way=way):
                self.assert_finds("callgraph.py", "", "may end in a panic: ", self.image(**pieces))

    def test_a_pointer_that_nobody_calls_is_no_way(self):
        self.assert_clean("callgraph.py", self.image(innocent="bl hv_panic", data=".quad innocent"))

    def test_an_image_that_is_not_understood_is_no_success(self):
        self.assert_finds("callgraph.py", "", "only ", self.image(handle="nop"))
        self.assert_finds("callgraph.py", "", "nothing at all", self.image(panic="nop\n    ret"))


if __name__ == "__main__":
    unittest.main()
