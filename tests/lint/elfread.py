# SPDX-License-Identifier: BSD-2-Clause
"""ELF64 files and ar archives, as far as the lint tests look (System V gABI chapters 4 and 5; ar(5))."""
import struct
from collections import namedtuple

Section = namedtuple("Section", "name type flags address offset size link info entry_size")
Segment = namedtuple("Segment", "type flags offset address file_size memory_size")
Symbol = namedtuple("Symbol", "name binding type visibility section value size")

SHT_SYMTAB, SHT_RELA, SHT_NOBITS = 2, 4, 8
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
STB_LOCAL, STB_GLOBAL, STB_WEAK = 0, 1, 2
STT_SECTION, STT_FILE = 3, 4
SHN_UNDEF, SHN_COMMON = 0, 0xFFF2
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
PF_X, PF_W, PF_R = 1, 2, 4
EM_X86_64, EM_AARCH64 = 62, 183


class Elf:
    def __init__(self, data):
        if data[:4] != b"\x7fELF" or data[4] != 2 or data[5] != 1:
            raise ValueError("not a little-endian ELF64 file")
        self.data = data
        (self.type, self.machine, _, self.entry, program_offset, section_offset, _, _, program_size, program_count,
         section_size, section_count, names) = struct.unpack_from("<HHIQQQIHHHHHH", data, 16)
        self.segments = []
        for i in range(program_count):
            kind, flags, offset, address, _, file_size, memory_size, _ = struct.unpack_from(
                "<IIQQQQQQ", data, program_offset + i * program_size)
            self.segments.append(Segment(kind, flags, offset, address, file_size, memory_size))
        raw = [struct.unpack_from("<IIQQQQIIQQ", data, section_offset + i * section_size)
               for i in range(section_count)]
        base = raw[names][4] if raw else 0
        self.sections = [Section(self.text_at(base + r[0]), *r[1:8], r[9]) for r in raw]
        self.symbols = list(self.read_symbols())

    def text_at(self, offset):
        return self.data[offset:self.data.index(b"\0", offset)].decode()

    def read_symbols(self):
        for table in (s for s in self.sections if s.type == SHT_SYMTAB):
            names = self.sections[table.link].offset
            for offset in range(table.offset, table.offset + table.size, 24):
                name, info, other, section, value, size = struct.unpack_from("<IBBHQQ", self.data, offset)
                yield Symbol(self.text_at(names + name), info >> 4, info & 15, other & 3, section, value, size)

    def contents(self, section):
        return b"" if section.type == SHT_NOBITS else self.data[section.offset:section.offset + section.size]

    def relocation_types(self):
        """(section name, type) of each relocation left in the file."""
        for section in (s for s in self.sections if s.type == SHT_RELA):
            for offset in range(section.offset, section.offset + section.size, 24):
                yield section.name, struct.unpack_from("<Q", self.data, offset + 8)[0] & 0xFFFFFFFF


def members(path):
    """(name, Elf) of each object in an ar archive."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:8] != b"!<arch>\n":
        raise ValueError(f"{path}: not an ar archive")
    offset, long_names = 8, b""
    while offset + 60 <= len(data):
        name, size = data[offset:offset + 16].decode().rstrip(), int(data[offset + 48:offset + 58])
        body = data[offset + 60:offset + 60 + size]
        offset += 60 + size + (size & 1)
        if name == "//":
            long_names = body
        elif name not in ("/", "/SYM64/"):
            if name.startswith("/"):
                start = int(name[1:])
                name = long_names[start:long_names.index(b"\n", start)].decode()
            yield name.rstrip("/"), Elf(body)
