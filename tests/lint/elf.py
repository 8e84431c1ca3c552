#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The finished image: no FP or SIMD register outside libfdt and libvcpu's save and restore, no Cortex-A53 erratum
843419 sequence, no interpreter, an arm64 Image header that covers bss, W^X segments, relative relocations only.

Instructions are told from data by the mapping symbols $x and $d (ELF for the Arm 64-bit Architecture, 5.5.3) and
decoded by DDI 0487 C4.1; which object a place comes from is read in the map file of GNU ld or lld."""
import bisect
import os
import re
import struct
import sys

import common
import elfread

FP_MAY_COME_FROM = re.compile(r"libfdt(?:[-.\d]*)?\.a\b|libvcpu_el2\.a[:(]\S*fp\.S")
R_AARCH64_RELATIVE = 1027
PAGE = 4096


def is_fp(word):
    """An instruction that names a V register, FPCR or FPSR: op0 x11x (SIMD and FP, their loads and stores), SVE."""
    return (word >> 26) & 3 == 3 or (word >> 25) & 15 == 2 or (word & 0xFFDFFFC0) == 0xD51B4400


def is_adrp(word):
    return (word & 0x9F000000) == 0x90000000


def is_branch(word):
    return (word & 0x7C000000) in (0x14000000, 0x34000000) or (word & 0xFE000000) in (0x54000000, 0xD6000000)


def is_unsigned_offset(word):
    return (word & 0x3B000000) == 0x39000000


def is_single_access(word):
    """A single register load or store, integer or vector; STP, STNP; ST1 and its like. Not the loads of a pair."""
    if (word & 0x0A000000) != 0x08000000:
        return False
    pair_or_structure = (word & 0x38000000) == 0x28000000 or (word & 0xBE000000) == 0x0C000000
    return not (pair_or_structure and word & (1 << 22))


def writes(word, register):
    """Whether a load or store writes the general register: a load's target, a written-back base, a status."""
    base = (word >> 5) & 31
    vector = word & (1 << 26)
    single = (word & 0x38000000) == 0x38000000
    if single and not is_unsigned_offset(word) and not word & (1 << 21) and word & (1 << 10) and base == register:
        return True
    if (word & 0x38000000) == 0x28000000 and (word >> 23) & 1 and base == register:
        return True
    if (word & 0x3F000000) == 0x08000000:
        return (word >> 16) & 31 == register if not word & (1 << 22) else word & 31 == register
    if (word & 0x3B000000) == 0x18000000:
        return not vector and word & 31 == register
    return single and not vector and (word >> 22) & 3 != 0 and word & 31 == register


def erratum_843419(words, at, address):
    """Whether the erratum's sequence begins at words[at] (Cortex-A53 MPCore Software Developers Errata Notice,
    843419): ADRP to Rn in the last two words of a page; a load or store that does not write Rn; optionally one
    instruction that is no branch; a load or store with unsigned offset from Rn."""
    if address & 0xFFF not in (0xFF8, 0xFFC) or not is_adrp(words[at]):
        return False
    register = words[at] & 31
    rest = words[at + 1:at + 4]
    if len(rest) < 2 or not is_single_access(rest[0]) or writes(rest[0], register):
        return False

    def uses(word):
        return is_unsigned_offset(word) and (word >> 5) & 31 == register
    return uses(rest[1]) or (len(rest) == 3 and not is_branch(rest[1]) and uses(rest[2]))


class Origins:
    """Which input object an address comes from, by the map file. `sections`: the output sections that count; debug
    sections have addresses, too, and they begin at 0."""
    OUTPUT = (re.compile(r"^([.\w][\w.$-]*)(?:\s+0x[0-9a-f]+\s.*)?$"),
              re.compile(r"^\s*[0-9a-f]+\s+[0-9a-f]+\s+[0-9a-f]+\s+\d+ (\S+)$"))
    INPUT = (re.compile(r"^ ?(?:\*?\.[\w.$-]+)?\s+0x([0-9a-f]{8,})\s+0x([0-9a-f]+)\s+(\S.*)$"),
             re.compile(r"^\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+\s{9}(\S.*:\(.*\))$"))

    def __init__(self, text, sections):
        found = set()
        lines = text.splitlines()
        by_lld = 1 if lines and lines[0].split()[:2] == ["VMA", "LMA"] else 0
        counts = False
        for line in lines:
            output = self.OUTPUT[by_lld].match(line)
            if output:
                counts = output.group(1) in sections
            match = self.INPUT[by_lld].match(line)
            if counts and match and int(match.group(2), 16):
                found.add((int(match.group(1), 16), int(match.group(2), 16), match.group(3)))
        self.ranges = sorted(found)
        self.starts = [r[0] for r in self.ranges]

    def of(self, address):
        at = bisect.bisect_right(self.starts, address) - 1
        while at >= 0 and address - self.ranges[at][0] < 1 << 20:
            start, size, name = self.ranges[at]
            if start <= address < start + size:
                return name
            at -= 1
        return ""


def code_runs(elf, index):
    """(address, words) of each run of instructions in a section, by its mapping symbols."""
    section = elf.sections[index]
    marks = sorted((s.value, s.name[1]) for s in elf.symbols
                   if s.section == index and re.match(r"\$[xd](\.|$)", s.name))
    data = elf.contents(section)
    ends = [m[0] for m in marks[1:]] + [section.address + section.size]
    for (start, kind), end in zip(marks, ends):
        if kind == "x" and end > start:
            piece = data[start - section.address:end - section.address]
            count = len(piece) // 4
            yield start, struct.unpack(f"<{count}I", piece[:count * 4])


def function_at(elf, address):
    best = None
    for symbol in elf.symbols:
        if symbol.name and not symbol.name.startswith("$") and symbol.type in (0, 2) and symbol.value <= address \
                and symbol.section not in (elfread.SHN_UNDEF, 0xFFF1) and (best is None or symbol.value >= best.value):
            best = symbol
    return f"{best.name}+0x{address - best.value:x}" if best else "?"


def check_code(elf, origins):
    looked = 0
    for index, section in enumerate(elf.sections):
        if not section.flags & elfread.SHF_EXECINSTR:
            continue
        for start, words in code_runs(elf, index):
            looked += len(words)
            for at, word in enumerate(words):
                address = start + 4 * at
                if is_fp(word) and not FP_MAY_COME_FROM.search(origins.of(address)):
                    yield f"0x{address:x} {function_at(elf, address)} ({origins.of(address) or 'unknown object'}): " \
                          f"{word:08x} uses an FP or SIMD register"
                if erratum_843419(words, at, address):
                    yield f"0x{address:x} {function_at(elf, address)}: the sequence of Cortex-A53 erratum 843419"
    if not looked:
        yield "no instruction found: stripped of its mapping symbols?"


def check_segments(elf):
    loads = [s for s in elf.segments if s.type == elfread.PT_LOAD]
    if not loads:
        yield "no segment to load"
    if any(s.type == elfread.PT_INTERP for s in elf.segments) or \
            any(s.name == ".interp" and s.size for s in elf.sections):
        yield "an interpreter section: nothing loads this image dynamically"
    for load in loads:
        if load.flags & elfread.PF_W and load.flags & elfread.PF_X:
            yield f"the segment at 0x{load.address:x} is writable and executable"
    for one, other in ((a, b) for a in loads for b in loads if a.address < b.address and a.flags != b.flags):
        if (one.address + one.memory_size - 1) // PAGE >= other.address // PAGE:
            yield f"the segments at 0x{one.address:x} and 0x{other.address:x} share a page, with different rights"
    for section, kind in elf.relocation_types():
        if kind not in (0, R_AARCH64_RELATIVE):
            yield f"{section}: relocation type {kind}; boot code applies R_AARCH64_RELATIVE ({R_AARCH64_RELATIVE}) only"
    for symbol in elf.symbols:
        if symbol.section == elfread.SHN_UNDEF and symbol.binding == elfread.STB_GLOBAL and symbol.name:
            yield f"{symbol.name} is undefined"


def check_header(elf, image):
    """Linux, Documentation/arm64/booting.rst, section 4: the header of an Image."""
    if len(image) < 64:
        yield "shorter than its header"
        return
    code, _, offset, size, flags, *_, magic, _ = struct.unpack_from("<II6QII", image)
    loads = [s for s in elf.segments if s.type == elfread.PT_LOAD]
    base = min((s.address for s in loads), default=0)
    end = max((s.address + s.memory_size for s in loads), default=0) - base
    filled = max((s.address + s.file_size for s in loads if s.file_size), default=0) - base
    if magic != 0x644D5241:
        yield f"magic 0x{magic:08x}, not \"ARM\\x64\""
    if not (is_branch(code) or (code & 0xFFFF) == 0x5A4D):
        yield f"its first word, 0x{code:08x}, is no branch"
    if flags & 1:
        yield "flags say big endian"
    if (flags >> 1) & 3 != 1:
        yield f"flags say page size {(flags >> 1) & 3}, not 1 (4 KiB)"
    if not flags & 8:
        yield "flags bit 3 is clear: not placed anywhere in memory"
    if flags >> 4:
        yield f"reserved flags are set: 0x{flags:x}"
    if offset & 0xFFF:
        yield f"text_offset 0x{offset:x} is not a multiple of 4 KiB"
    if size < end:
        yield f"image_size 0x{size:x} does not cover bss, which ends at 0x{end:x}"
    if len(image) < filled:
        yield f"0x{len(image):x} bytes long; the loaded contents end at 0x{filled:x}"
    if elf.entry != base:
        yield f"the ELF file is entered at 0x{elf.entry:x}, the image at its first byte, 0x{base:x}"


def find(folder, name):
    for place in ("hv", "."):
        path = os.path.normpath(os.path.join(folder, place, name))
        if os.path.exists(path):
            return path
    return None


def check(options):
    paths = {name: find(options.folder, name) for name in ("hv.elf", "hv.map")}
    paths["hv.bin"] = find(options.folder, "hv.bin") or find(options.folder, "kernel8.img")  # a board's own name
    gone = [name for name, path in paths.items() if path is None]
    for name in gone:
        yield options.folder, 0, f"{name} was not built"
    if gone:
        return
    contents = {}
    for name, path in paths.items():
        with open(path, "rb") as f:
            contents[name] = f.read()
    elf = elfread.Elf(contents["hv.elf"])
    code = {s.name for s in elf.sections if s.flags & elfread.SHF_EXECINSTR}
    origins = Origins(contents["hv.map"].decode("utf-8", "replace"), code)
    if not any(FP_MAY_COME_FROM.search(name) for _, _, name in origins.ranges):
        yield paths["hv.map"], 0, "names no object of libfdt: not understood"
    shown = {name: os.path.relpath(path, options.root) for name, path in paths.items()}
    for reason in (*check_code(elf, origins), *check_segments(elf)):
        yield shown["hv.elf"], 0, reason
    for reason in check_header(elf, contents["hv.bin"]):
        yield shown["hv.bin"], 0, reason


if __name__ == "__main__":
    parser = common.plain_arguments(__doc__)
    parser.add_argument("folder", help="a cross build folder")
    sys.exit(common.run(check, __doc__, parser))
