#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What each archive offers and wants: global symbols carry its prefix, those not declared in a public header end in
an underscore, undefined are the four mem functions only (libboot: libfdt's too), and there is no writable data."""
import glob
import os
import re
import sys

import common
import elfread

PREFIXES = {
    "stage2": ("ash_stage2_", "ash_vmid_"),
    "vcpu": ("ash_vcpu_",),
    "vgic": ("ash_vgic_",),
    "vtimer": ("ash_vtimer_",),
    "virtio": ("ash_virtio_", "ash_virtq_"),
    "boot": ("ash_boot_",),
}
MEM = {"memcpy", "memmove", "memset", "memcmp"}
LINKER = {"_GLOBAL_OFFSET_TABLE_"}  # made by the link editor


def public_words(root, library):
    """Every word of the library's public headers."""
    words = set()
    for path in glob.glob(os.path.join(glob.escape(root), f"lib{library}/include/lib{library}/*.h")):
        words |= set(re.findall(r"\w+", common.strip_comments(common.read(root, os.path.relpath(path, root)))))
    return words


def check_archive(label, objects, library, public, offered=frozenset()):
    """`offered`: what the library proper defines, which its EL2 half may use."""
    prefixes = PREFIXES[library]
    defined, wanted = {}, {}
    for member, elf in objects:
        for symbol in elf.symbols:
            if symbol.binding == elfread.STB_LOCAL or not symbol.name:
                continue
            (wanted if symbol.section == elfread.SHN_UNDEF else defined).setdefault(symbol.name, (member, symbol))
        for section in elf.sections:
            if section.flags & elfread.SHF_WRITE and section.flags & elfread.SHF_ALLOC and section.size \
                    and not section.name.startswith(".data.rel.ro"):
                yield f"{label}({member})", 0, f"writable data ({section.name}, {section.size} bytes): no globals"
    for name, (member, symbol) in sorted(defined.items()):
        where = f"{label}({member})"
        if not name.startswith(prefixes):
            yield where, 0, f"{name}: lacks the prefix {' or '.join(prefixes)}"
        elif name.endswith("_") and name in public:
            yield where, 0, f"{name}: internal by its name, yet in a public header"
        elif not name.endswith("_") and name not in public:
            yield where, 0, f"{name}: in no public header, so its name ends in an underscore"
        if symbol.section == elfread.SHN_COMMON:
            yield where, 0, f"{name}: a common symbol"
    for name, (member, _) in sorted(wanted.items()):
        allowed = name in MEM or name in LINKER or name in defined or name in offered
        if not allowed and not (library == "boot" and name.startswith("fdt_")):
            yield f"{label}({member})", 0, f"{name}: undefined; an archive wants the four mem functions only"


def globals_of(objects):
    return {s.name for _, elf in objects for s in elf.symbols
            if s.binding != elfread.STB_LOCAL and s.section != elfread.SHN_UNDEF}


def check(options):
    archives = {}
    for folder in options.folder:
        for library in PREFIXES:
            for suffix in ("", "_el2"):
                path = os.path.join(folder, f"lib{library}", f"lib{library}{suffix}.a")
                if os.path.exists(path):
                    archives[path] = (library, suffix)
    found = {library for library, _ in archives.values()}
    for library in PREFIXES:
        if os.path.exists(os.path.join(options.root, f"lib{library}/CMakeLists.txt")) and library not in found:
            yield f"lib{library}.a", 0, f"not built in {' '.join(options.folder)}"
    for path, (library, suffix) in sorted(archives.items()):
        objects = list(elfread.members(path))
        offered = set()
        if suffix:
            proper = path.replace(f"{suffix}.a", ".a")
            offered = globals_of(elfread.members(proper)) if os.path.exists(proper) else set()
        if not objects:
            yield path, 0, "empty"
        yield from check_archive(os.path.relpath(path, options.root), objects, library,
                                 public_words(options.root, library), offered)


if __name__ == "__main__":
    parser = common.plain_arguments(__doc__)
    parser.add_argument("folder", nargs="+", help="a build folder")
    sys.exit(common.run(check, __doc__, parser))
