#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The builds that the documentation promises, each in a folder of its own.

  cross BOARD COMPILER FOLDER   hv for a board without a warning; the folder is kept for other tests to look at
  native COMPILER FOLDER        the libraries alone for this machine, as a stranger builds them; the folder is kept
  in-source                     in a copy of the tracked tree, by the words of the documentation; git sees nothing new
  boards                        a missing or wrong -DBSP= lists the boards
  sub-project                   add_subdirectory() builds the libraries and nothing else
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import common

TOOLCHAIN = "toolchains/aarch64.cmake"
PACKAGES = {"aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu", "clang": "clang", "ld.lld": "lld", "llvm-ar": "llvm",
            "llvm-objcopy": "llvm", "cmake": "cmake", "make": "make", "git": "git"}


def environment():
    """Nothing of the caller's may choose another generator or compiler, nor which repository git sees."""
    leave = ("CMAKE_", "GIT_", "MAKE", "MFLAGS", "CROSS_COMPILE")
    return dict({k: v for k, v in os.environ.items() if not k.startswith(leave) and k not in ("CC", "CFLAGS")},
                LC_ALL="C")


def execute(command, folder):
    """(exit code, everything it said)."""
    done = subprocess.run(command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return done.returncode, done.stdout


def complaints(said, root):
    """What compilers, linkers and CMake complain about, as findings."""
    lines = said.splitlines()
    for number, line in enumerate(lines):
        by_cmake = re.match(r"CMake (?:\w+ )?(?:Error|Warning)(?: \(dev\))? at (\S+?):(\d+)", line)
        located = re.match(r"(\S[^:]*):(\d+)(?::\d+)?:?\s.*?((?:fatal )?(?:error|warning)\b.*)", line)
        if by_cmake:
            reason = " ".join(" ".join(lines[number + 1:number + 6]).split())
            yield os.path.relpath(os.path.join(root, by_cmake.group(1)), root), int(by_cmake.group(2)), reason
        elif located:
            yield os.path.relpath(os.path.join(root, located.group(1)), root), int(located.group(2)), located.group(3)
        elif re.search(r"\b(?:warning|error):|CMake Error|undefined reference|\*\*\* ", line):
            # Not "CMake Warning:" without a place: the form without -S and -B is given one, and is promised.
            yield "build", 0, line.strip()


def last_words(said):
    return "\n".join(said.strip().splitlines()[-12:])


def steps(commands, folder, root):
    """Run the commands until one fails; the findings of all, and whether all succeeded."""
    found = []
    for command in commands:
        code, said = execute(command, folder)
        mine = list(complaints(said, root))
        if code and not mine:
            mine = [(" ".join(command), 0, f"exit code {code}:\n{last_words(said)}")]
        found += mine
        if code:
            return found, False
    return found, True


def need_compiler(compiler):
    wanted = ["aarch64-linux-gnu-gcc"] if compiler == "gcc" else ["clang", "ld.lld", "llvm-ar", "llvm-objcopy"]
    for tool in ["cmake", "make", *wanted]:
        common.need(tool, PACKAGES[tool])


def image_of(root, board):
    """What a board's boot loader loads."""
    with open(os.path.join(root, "bsp", board, "bsp.cmake"), encoding="utf-8") as f:
        return re.search(r"set\(BSP_IMAGE ([^)]+)\)", f.read()).group(1)


def cross(options):
    board, compiler, folder = options.arguments
    need_compiler(compiler)
    folder = os.path.abspath(folder)
    shutil.rmtree(folder, ignore_errors=True)  # a warning is given once, when a file is compiled
    found, good = steps([
        ["cmake", "-S", options.root, "-B", folder, "-G", "Unix Makefiles", f"-DBSP={board}", "--toolchain",
         os.path.join(options.root, TOOLCHAIN), f"-DASHLAR_COMPILER={compiler}"],
        ["cmake", "--build", folder, "-j2"]], options.root, options.root)
    yield from found
    if good:
        for name in ("hv.elf", image_of(options.root, board)):
            if not os.path.exists(os.path.join(folder, "hv", name)):
                yield f"{board} with {compiler}", 0, f"builds no hv/{name}"


def native(options):
    compiler, folder = options.arguments
    for tool in ("cmake", "make", compiler):
        common.need(tool, PACKAGES.get(tool))
    folder = os.path.abspath(folder)
    shutil.rmtree(folder, ignore_errors=True)
    found, _ = steps([
        ["cmake", "-S", options.root, "-B", folder, "-G", "Unix Makefiles", "-DASHLAR_BUILD_TESTS=OFF",
         "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_C_COMPILER={compiler}"],
        ["cmake", "--build", folder, "-j2"]], options.root, options.root)
    yield from found


def copy_tree(root, folder):
    """The tracked files as a repository of its own: with changes not committed yet, without what is not tracked."""
    for name in common.tracked(root):
        target = os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(os.path.join(root, name), target, follow_symlinks=False)
    for command in (["init", "-q"], ["add", "-A", "-f"],
                    ["-c", "user.name=lint", "-c", "user.email=lint@localhost", "commit", "-q", "-m", "copy"]):
        code, said = execute(["git", *command], folder)
        if code:
            raise RuntimeError(f"git {command[0]}: {said}")


def in_source(options):
    need_compiler("gcc")
    common.need("git")
    with tempfile.TemporaryDirectory(prefix="ashlar-in-source-") as folder:
        copy_tree(options.root, folder)
        commands = [["cmake", "-DBSP=rpi3", "--toolchain", TOOLCHAIN], ["make", "-j2"]]
        found, _ = steps(commands[:1] if options.configure_only else commands, folder, folder)
        yield from found
        _, said = execute(["git", "status", "--porcelain"], folder)
        for line in said.splitlines():
            yield line[3:], 0, "git status shows it after an in-source build"


def boards_of(root):
    return sorted(b for b in os.listdir(os.path.join(root, "bsp"))
                  if os.path.exists(os.path.join(root, "bsp", b, "bsp.cmake")))


def boards(options):
    common.need("cmake")
    for argument in ([], ["-DBSP="], ["-DBSP=no-such-board"]):
        with tempfile.TemporaryDirectory(prefix="ashlar-boards-") as folder:
            code, said = execute(["cmake", "-S", options.root, "-B", folder, *argument, "--toolchain",
                                  os.path.join(options.root, TOOLCHAIN)], folder)
        what = f"cmake {' '.join(argument) or 'without -DBSP='}"
        if code == 0:
            yield what, 0, "is accepted"
        for board in boards_of(options.root):
            if not re.search(rf"\b{re.escape(board)}\b", said):
                yield what, 0, f"does not name the board {board}:\n{last_words(said)}"


SUB_PROJECT = """\
cmake_minimum_required(VERSION 3.21)
project(consumer LANGUAGES C)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
enable_testing()
add_subdirectory("{root}" ashlar)
"""


def libraries_of(root):
    return sorted(d for d in os.listdir(root) if re.fullmatch(r"lib\w+", d) and d != "libbase"
                  and os.path.exists(os.path.join(root, d, "CMakeLists.txt")))


def check_consumer(root, folder, generic):
    """A configured consumer: what would be compiled, and how."""
    where = "as a sub-project" + (" on Generic" if generic else "")
    with open(os.path.join(folder, "build/compile_commands.json"), encoding="utf-8") as f:
        entries = json.load(f)
    compiled = {os.path.relpath(e["file"], root): e["command"] for e in entries}
    for name, command in sorted(compiled.items()):
        if not name.startswith("lib"):
            yield name, 0, f"is built {where}; only libraries are"
        if "-Werror" in command.split():
            yield name, 0, f"is compiled with -Werror {where}"
    for library in libraries_of(root):
        if not any(name.startswith(f"{library}/") for name in compiled):
            yield library, 0, f"is not built {where}"
    _, said = execute(["ctest", "--test-dir", os.path.join(folder, "build"), "-N"], folder)
    if "Total Tests: 0" not in said:
        yield "ctest", 0, f"the consumer has tests of ours {where}"


def sub_project(options):
    need_compiler("gcc")
    for generic in (False, True):
        with tempfile.TemporaryDirectory(prefix="ashlar-consumer-") as folder:
            with open(os.path.join(folder, "CMakeLists.txt"), "w", encoding="utf-8") as f:
                f.write(SUB_PROJECT.format(root=options.root))
            command = ["cmake", "-S", ".", "-B", "build", "-G", "Unix Makefiles"]
            if generic:
                command += ["--toolchain", os.path.join(options.root, TOOLCHAIN)]
            build = [] if generic or options.configure_only else [["cmake", "--build", "build", "-j2"]]
            found, good = steps([command, *build], folder, options.root)
            yield from found
            if good:
                yield from check_consumer(options.root, folder, generic)


KINDS = {"cross": cross, "native": native, "in-source": in_source, "boards": boards, "sub-project": sub_project}

if __name__ == "__main__":
    parser = common.plain_arguments(__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--configure-only", action="store_true", help="configure, but do not build")
    sys.exit(common.run(lambda o: KINDS[o.kind](o), __doc__, parser))
