# SPDX-License-Identifier: BSD-2-Clause
"""Guests' RAM at its edges: small and large, in pieces of the machine's memory, at the machine's addresses, above 4 GiB
(tests/guests/memory)."""
import unittest

from support import SystemTest, vm

GIB = 1 << 30


class Memory(SystemTest):
    def run_memory(self, memory, ranges, *options, others=()):
        mib = sum(end - base for base, end in ranges) >> 20
        for gic in ("3", "2"):
            with self.subTest(gic=gic):
                folder = self.folder(vm("memory", 1, "memory.bin", [1], memory=memory), *others,
                                     files=("memory.bin", "hello.bin"))
                ran = self.boot("--bundle", folder, "--gic", gic, "--timeout", "120", *options)
                self.assert_exit(0, ran)
                prefix = r"^\[memory\] " if others else "^"
                for base, end in ranges:
                    self.assert_says(rf"{prefix}ram 0x{base:016x} 0x{end:016x}", ran)
                self.assert_says(rf"{prefix}{mib} MiB", ran)
                self.assert_says(rf"{prefix}MEMORY PASS, \d+ checks", ran)
                self.assert_never_says(r"^(\[memory\] )?(FAIL|guest:)|PANIC", ran)

    def test_the_smallest(self):
        self.run_memory("0x0 0x200000", [(0x40000000, 0x40200000)], "--memory", "64M")

    def test_tens_of_mib(self):
        self.run_memory("0x0 0x2a00000", [(0x40000000, 0x42a00000)], "--memory", "128M")

    def test_pieces_around_what_is_taken(self):
        # The bundle and another VM cut the 256 MiB of the machine: no 160 MiB are left in one piece.
        wedge = vm("wedge", 2, "hello.bin", [2], memory="0x0 0x4c000000 0x0 0x200000")
        self.run_memory("0x0 0xa000000", [(0x40000000, 0x4a000000)], "--memory", "256M", others=(wedge,))

    def test_two_ranges_at_the_machines_addresses_one_above_4_gib(self):
        self.run_memory("0x0 0x60000000 0x0 0x400000 0x1 0x0 0x0 0x20000000",
                        [(0x60000000, 0x60400000), (4 * GIB, 4 * GIB + 0x20000000)], "--memory", "6G")

    def test_several_gib_and_past_4_gib(self):
        self.run_memory("0x0 0xd0000000", [(0x40000000, 0x110000000)], "--memory", "4G")


if __name__ == "__main__":
    unittest.main()
