#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""No call path leads from what a guest can make happen to hv's panic: neither from the handlers of its exits, nor from
what follows when its vCPU leaves.

The graph is read from the finished image: B, BL and the conditional branches between symbols; an indirect branch may go
to every function whose address is taken anywhere (a relocation in data, or ADR or ADRP and ADD in code), but for those
of BOOT_ONLY. Instructions are decoded by DDI 0487 C4.1."""
import bisect
import collections
import os
import re
import struct
import sys

import common
import elf
import elfread

ROOTS = re.compile(r"^(guest_\w+|vcpu_leave\w*|full_return)$")
SINKS = re.compile(r"^hv_panic")
# Called through a pointer, but by hv's own start only; or taken for another reason than to be called.
BOOT_ONLY = {
    "boot_on_own_stack": "hv_call_on_stack() in hv_arch_boot()",
    "hv_arch_boot": "the assembly that turned the MMU on",
    "hv_arch_secondary": "likewise, on the other CPUs",
    "hv_secondary_entry": "given to PSCI CPU_ON: code of a CPU that starts",
    "hv_spin_entry": "likewise, by a spin table",
    "hv_vectors": "VBAR_EL2: what is taken there is an exception",
    "_start": "the image's own address",
    "__text_start": "likewise",
}
NOP = 0xD503201F
# Panics that are meant, whoever comes by.
MEANT = {"__stack_chk_fail": "libfdt found hv's own stack overwritten"}


def signed(value, bits):
    return value - (1 << bits) if value >> (bits - 1) else value


def branch_target(word, address):
    """Of a direct branch; None: another instruction."""
    if word & 0x7C000000 == 0x14000000:  # B, BL
        return address + 4 * signed(word & 0x3FFFFFF, 26)
    if word & 0xFF000000 == 0x54000000 or word & 0x7E000000 == 0x34000000:  # B.cond, CBZ, CBNZ
        return address + 4 * signed(word >> 5 & 0x7FFFF, 19)
    if word & 0x7E000000 == 0x36000000:  # TBZ, TBNZ
        return address + 4 * signed(word >> 5 & 0x3FFF, 14)
    return None


def is_indirect(word):
    return word & 0xFFDFFC1F == 0xD61F0000  # BR, BLR


def falls_through(word, compiled):
    """Whether what stands behind this instruction, the last of its symbol, may be executed next. At the end of a
    compiled function a BL does not return."""
    ends = word & 0xFC000000 == 0x14000000 or word & 0xFE000000 == 0xD6000000 or word >> 16 == 0  # B; BR, RET; UDF
    return not ends and not (compiled and word & 0xFC000000 == 0x94000000)


def page_address(word, address):
    """(register, value) of ADR and ADRP."""
    offset = signed((word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3, 21)
    return word & 31, (address & ~0xFFF) + (offset << 12) if word >> 31 else address + offset


class Graph:
    def __init__(self, image):
        self.elf = image
        code = {i for i, s in enumerate(image.sections) if s.flags & elfread.SHF_EXECINSTR}
        names = {}
        self.compiled = set()
        for s in image.symbols:
            if s.section in code and s.name and not s.name.startswith("$") and s.type in (0, 2):
                if s.value not in names or s.type == 2:
                    names[s.value] = s.name
                    self.compiled |= {s.name} if s.type == 2 else set()
        self.names = names
        self.starts = sorted(names)
        self.calls = collections.defaultdict(set)
        self.taken = collections.defaultdict(set)
        self.indirect = set()
        for index in code:
            self.read(image.sections[index])
        self.read_pointers()

    def at(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        return self.names[self.starts[i]] if i >= 0 else "?"

    def read(self, section):
        data = self.elf.contents(section)
        pages, last = {}, None
        for i in range(len(data) // 4):
            address, word = section.address + 4 * i, struct.unpack_from("<I", data, 4 * i)[0]
            here = self.at(address)
            target = branch_target(word, address)
            if address in self.names:
                pages, last = {}, None
            last = last if word == NOP else word  # which pads, too
            if target is not None and self.at(target) != here:
                self.calls[here].add(self.at(target))
            if is_indirect(word):
                self.indirect.add(here)
            if address + 4 in self.names and (last is None or falls_through(last, here in self.compiled)):
                self.calls[here].add(self.names[address + 4])
            if word & 0x1F000000 == 0x10000000:
                register, value = page_address(word, address)
                pages[register] = value
                self.take(value, here)
            elif word & 0xFF800000 == 0x91000000 and word >> 5 & 31 in pages:  # ADD Xd, Xn, #imm
                imm = (word >> 10 & 0xFFF) << (12 if word >> 22 & 1 else 0)
                self.take(pages[word >> 5 & 31] + imm, here)

    def read_pointers(self):
        for section in (s for s in self.elf.sections if s.type == elfread.SHT_RELA):
            for offset in range(section.offset, section.offset + section.size, 24):
                _, _, addend = struct.unpack_from("<QQq", self.elf.data, offset)
                self.take(addend, "data")

    def take(self, value, where):
        if value in self.names:
            self.taken[self.names[value]].add(where)

    def path(self, roots):
        """The shortest from one of @roots to a sink, as names; None: there is none."""
        pointed = [f for f in self.taken if f not in BOOT_ONLY]
        came = dict.fromkeys(roots)
        queue = collections.deque(roots)
        while queue:
            here = queue.popleft()
            if SINKS.match(here):
                steps = []
                while here is not None:
                    steps.append(here)
                    here = came[here]
                return steps[::-1], came
            for there in sorted(self.calls[here]) + (pointed if here in self.indirect else []):
                if there not in came and there not in MEANT:
                    came[there] = here
                    queue.append(there)
        return None, came


def check(options):
    path = elf.find(options.folder, "hv.elf")
    if path is None:
        yield options.folder, 0, "hv.elf was not built"
        return
    with open(path, "rb") as f:
        graph = Graph(elfread.Elf(f.read()))
    names = set(graph.names.values())
    roots = sorted(n for n in names if ROOTS.match(n))
    if len(roots) < 4 or not any(SINKS.match(n) for n in names):
        yield path, 0, f"not the image that this was written for: roots {roots}"
        return
    if not any(SINKS.match(there) for here in graph.calls for there in graph.calls[here]):
        yield path, 0, "nothing at all calls hv_panic(): the branches were not understood"
    steps, came = graph.path(roots)
    if steps:
        yield path, 0, "a guest's exit may end in a panic: " + " -> ".join(steps)
    elif len(came) < 100:
        yield path, 0, f"only {len(came)} functions are reached from a guest's exits: the branches were not understood"


if __name__ == "__main__":
    parser = common.plain_arguments(__doc__)
    parser.add_argument("folder", help="a cross build folder")
    sys.exit(common.run(check, __doc__, parser))
