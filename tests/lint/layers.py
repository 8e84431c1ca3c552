#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The law of the floors: who may include what, and where assembly may stand.

A library includes libbase, its own headers, and stddef stdint stdbool stdarg limits; libboot alone libfdt. Libraries
meet in hv/glue only. hv/core, hv/glue and hv/vdev know an architecture by arch/arch.h alone, and hv/core does not
say EL2. Nobody includes another library's src. Assembly stands in aarch64/ folders, bsp/ and
what runs in guests and in firmware of strangers (tests/guests/, tests/bench/, tests/embed/bare/).
"""
import re
import sys

import common

FREESTANDING = {"stddef.h", "stdint.h", "stdbool.h", "stdarg.h", "limits.h"}
LIBRARIES = ("base", "stage2", "vcpu", "vgic", "vtimer", "virtio", "boot")
# In a hosted C++ program the C library declares the four mem functions, with noexcept or without.
EXCEPTIONS = {("libbase/include/libbase/mem.h", "string.h")}
# libbase has no aarch64/ folder: the one barrier that must stand between a check and its use.
ASSEMBLY_EXCEPTIONS = {"libbase/include/libbase/nospec.h"}
NEUTRAL = ("hv/core/", "hv/glue/", "hv/vdev/")
ASSEMBLY = re.compile(r"\b(?:asm|__asm|__asm__)\b")
EL2_WORD = re.compile(r"\bEL[0-3]\b|_EL[0-3]\b|_el[0-3]\b")


def includes(text):
    """(line, name, quoted) of each include directive."""
    for number, line in common.numbered(text):
        match = re.match(r'\s*#\s*include(?:_next)?\s*(?:<([^>]*)>|"([^"]*)"|(\S.*))', line)
        if match:
            yield number, match.group(1) or match.group(2) or match.group(3), match.group(1) is None


def library_of(name):
    match = re.match(r"lib(\w+)/", name)
    return match.group(1) if match and match.group(1) in LIBRARIES else None


def judge_library(name, library, header, quoted):
    """Why a file of a library may not include `header`, or None."""
    if quoted:
        if "/include/" in name:
            return "a public header includes by <libX/...> only"
        inside = name.endswith("/src/internal.h") and "/" not in header
        return None if header == "internal.h" or inside else "a library's private header is its src/internal.h"
    if header in FREESTANDING or header.startswith(("libbase/", f"lib{library}/")):
        return None
    if library == "boot" and header == "libfdt.h":
        return None
    owner = library_of(header)
    if owner:
        return f"lib{library} includes lib{owner}; libraries meet in hv/glue only"
    return f"a library may include libbase, its own headers and {' '.join(sorted(FREESTANDING))}"


def judge_hv(name, header, quoted):
    if name.startswith(NEUTRAL):
        if header.startswith(("arch/aarch64/", "arch/host/")):
            return "architecture-neutral code includes arch/arch.h only"
        if header.startswith("drivers/"):
            return "architecture-neutral code reaches drivers through arch/arch.h"
        if re.match(r"lib\w+/el2\.h$", header):
            return "a library's EL2 half belongs to hv/arch/aarch64"
        if quoted and not header.startswith(("arch/arch.h", "core/", "glue/", "vdev/")):
            return "hv includes by the path from hv/: arch/arch.h core/ glue/ vdev/"
    if name.startswith("hv/arch/aarch64/") and header.startswith("arch/host/"):
        return "one architecture includes the other"
    if name.startswith("hv/arch/host/"):
        if header.startswith(("arch/aarch64/", "drivers/")) or re.match(r"lib\w+/el2\.h$", header):
            return "the host stand-in includes real hardware"
    elif name.startswith("hv/tools/"):
        if header.startswith(("arch/", "drivers/", "glue/")):
            return "a tool on a PC uses hv/core's plain data and code only"
    elif not quoted and header not in FREESTANDING and library_of(header) is None:
        return f"hv is freestanding: {' '.join(sorted(FREESTANDING))}"
    return None


def judge_tests(name, header):
    match = re.match(r"tests/unit/lib(\w+)/", name)
    owner = library_of(header)
    if match and owner and owner not in ("base", match.group(1)):
        return f"lib{match.group(1)}'s unit tests include lib{owner}; a library links alone"
    if name.startswith("tests/guests/") and not header.startswith(("libbase/", "common/", name.split("/")[2] + "/")) \
            and header not in FREESTANDING and "/" in header:
        return "a guest includes its own folder, tests/guests/common, libbase and the freestanding headers"
    return None


def judge(name, header, quoted):
    if (name, header) in EXCEPTIONS:
        return None
    if re.search(r"(?:^|/)lib\w+/src/|(?:^|/)src/", header):
        return "nobody includes another library's src"
    library = library_of(name)
    if header.startswith("../") and not name.startswith("tests/"):
        return "an include that climbs out of its folder"
    if library:
        return judge_library(name, library, header, quoted)
    if name.startswith("hv/"):
        return judge_hv(name, header, quoted)
    if name.startswith("bsp/") and not quoted and header not in FREESTANDING and library_of(header) is None:
        return f"hv is freestanding: {' '.join(sorted(FREESTANDING))}"
    return judge_tests(name, header)


MAY_HOLD_ASSEMBLY = ("bsp/", "tests/guests/", "tests/bench/", "tests/embed/bare/", "tests/lint/")
ASSEMBLY_FOLDERS = "aarch64/ folders, bsp/, tests/guests/, tests/bench/ and tests/embed/bare/"


def may_hold_assembly(name):
    return "/aarch64/" in name or name.startswith(MAY_HOLD_ASSEMBLY) or name in ASSEMBLY_EXCEPTIONS


def check_file(name, text):
    if name.endswith(".S") and not may_hold_assembly(name):
        yield name, 1, f"assembly stands in {ASSEMBLY_FOLDERS} only"
    for line, header, quoted in includes(text):
        why = judge(name, header, quoted)
        if why:
            yield name, line, f"includes {header}: {why}"
    if not may_hold_assembly(name) and name.endswith((".c", ".h")):
        for line, words in common.numbered(common.strip_comments(text)):
            if ASSEMBLY.search(words):
                yield name, line, f"inline assembly outside {ASSEMBLY_FOLDERS}"
    if name.startswith("hv/core/"):
        for line, words in common.numbered(common.strip_comments(text)):
            found = EL2_WORD.search(words)
            if found:
                yield name, line, f"hv/core names an exception level ({found.group(0)}): that belongs to hv/arch"


def check(options):
    files = [n for n in common.tracked(options.root) if n.endswith((".c", ".h", ".S"))]
    if not files:
        yield options.root, 0, "no C file found: nothing was looked at"
    for name in files:
        yield from check_file(name, common.read(options.root, name) or "")


if __name__ == "__main__":
    sys.exit(common.run(check, __doc__))
