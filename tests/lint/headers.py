#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each public header compiles alone and twice, as C11 and as C++17, with every warning an error, in a program that
uses the C library too; and declares its functions for C++ with C linkage."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

import common

WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wundef -Wvla".split()
# compiler, its Debian package, language, standard
COMPILERS = (("gcc", "gcc", "c", "c11"), ("clang", "clang", "c", "c11"), ("g++", "g++", "c++", "c++17"),
             ("clang++", "clang", "c++", "c++17"))


def public_headers(root):
    """(library folder, name to include) of each public header."""
    for name in common.tracked(root):
        match = re.fullmatch(r"(lib\w+)/include/(\1/[\w/]+\.h)", name)
        if match:
            yield name, match.group(1), match.group(2)


def compile_header(root, name, library, header, compiler):
    tool, _, language, standard = compiler
    source = f"#include <{header}>\n#include <{header}>\n#include <string.h>\n#include <stdlib.h>\n"
    command = [tool, "-x", language, f"-std={standard}", *WARNINGS, "-Werror", "-fsyntax-only",
               "-I", os.path.join(root, "libbase/include"), "-I", os.path.join(root, library, "include"), "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False,
                          env=dict(os.environ, LC_ALL="C"))
    if done.returncode == 0:
        return []
    errors = [line for line in done.stderr.splitlines() if re.search(r"\berror\b", line)] or ["failed"]
    return [(name, 0, f"{tool} -std={standard}: {line}") for line in errors[:4]]


def check_guard(root, name):
    text = common.read(root, name)
    guard = re.sub(r"\W", "_", re.sub(r"^lib\w+/include/", "", name)).upper()
    if not re.search(rf"^#ifndef {guard}\n#define {guard}$", text, re.MULTILINE):
        yield name, 1, f"no include guard {guard}"
    plain = common.strip_comments(text)
    declares = re.search(r"^(?!static|typedef|#|extern|return)[\w \t*]+\b\w+\([^;{}]*\)[^;{}]*;", plain, re.MULTILINE)
    if declares and '#ifdef __cplusplus\nextern "C" {' not in text:
        yield name, 1, "functions without extern \"C\" for C++"


def check(options):
    headers = list(public_headers(options.root))
    if not headers:
        yield options.root, 0, "no public header found: nothing was looked at"
    compilers = []
    for compiler in COMPILERS:
        if shutil.which(compiler[0]):
            compilers.append(compiler)
        elif compiler[1] in common.packages_for_check():
            raise common.Missing(f"{compiler[0]} is not installed (Debian: {compiler[1]})", True)
        else:
            print(f"{compiler[0]} is not installed: left out")
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        jobs = [pool.submit(compile_header, options.root, *h, c) for h in headers for c in compilers]
        for job in jobs:
            yield from job.result()
    for name, _, _ in headers:
        yield from check_guard(options.root, name)


if __name__ == "__main__":
    sys.exit(common.run(check, __doc__))
