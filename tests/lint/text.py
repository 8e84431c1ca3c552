#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each tracked text file: the SPDX line at its head, no tabs, no trailing blanks, one final newline, and source
lines of at most 120 columns. (Code is laid out by clang-format at 110; comments and scripts may be wider.)"""
import os
import re
import sys
import unicodedata

import common

SPDX = "SPDX-License-Identifier: BSD-2-Clause"
COLUMNS = 120
NO_COMMENTS = (".json", ".patch")       # formats that cannot carry the line
NO_SPDX = {"LICENSE"}
NO_TEXT = ("tests/fuzz/corpus/",)       # bytes, which may look like text
MEASURED = (".c", ".h", ".S", ".py", ".cmake", ".sh", ".lds")
MEASURED_NAMES = {"CMakeLists.txt"}
TABS_ALLOWED = (".patch", ".mk", ".dts", ".dtsi")  # where tabs are the format's own habit


def is_script(text):
    return re.match(r"#!.*\b(?:sh|python3)\b", text) is not None


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line if not unicodedata.combining(c))


def check_file(name, text):
    if not name.endswith(NO_COMMENTS) and name not in NO_SPDX and SPDX not in "\n".join(text.split("\n")[:3]):
        yield name, 1, f"no \"{SPDX}\" in the first three lines"
    measured = name.endswith(MEASURED) or os.path.basename(name) in MEASURED_NAMES or is_script(text)
    for number, line in common.numbered(text):
        if "\t" in line and not name.endswith(TABS_ALLOWED):
            yield name, number, "a tab"
        if "\r" in line:
            yield name, number, "a carriage return"
        elif line != line.rstrip() and not name.endswith(".patch"):
            yield name, number, "blanks at the end of the line"
        if measured and width(line) > COLUMNS:
            yield name, number, f"{width(line)} columns; {COLUMNS} are allowed"
    if text and not text.endswith("\n"):
        yield name, text.count("\n") + 1, "no newline at the end of the file"
    elif text.endswith("\n\n"):
        yield name, text.count("\n"), "an empty line at the end of the file"


def check(options):
    looked = 0
    for name in common.tracked(options.root):
        text = None if name.startswith(NO_TEXT) else common.read(options.root, name)
        if text:
            looked += 1
            yield from check_file(name, text)
    if not looked:
        yield options.root, 0, "no text file found: nothing was looked at"


if __name__ == "__main__":
    sys.exit(common.run(check, __doc__))
