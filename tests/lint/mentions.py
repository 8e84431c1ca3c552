#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the tree talks of exists in the tree: links and headings in *.md, *.md files named anywhere, scripts, options,
boards and presets in the documentation's commands. And nothing outside it is spoken of: no path of one machine, no
folder above the checkout, no tracker's numbers, no people at work on it."""
import json
import os
import posixpath
import re
import shlex
import sys
import urllib.parse

import common

MACHINE_PATH = re.compile(r"(?<![\w.)}\]/-])/(?:home|root|Users|workspaces?|work|mnt|media|srv)/\w")
CLIMB = re.compile(r"(?<![\w/.}*])((?:\.\./)+)(\w[\w.-]*)")
CLIMB_ALLOWED = {"include"}  # an installed library's headers lie beside its lib folder
TRACKER = re.compile(r"\b(?:issue|ticket|bug|pull request|merge request|PR|MR)s?\s*#?\s?\d+\b|\bissues show\b",
                     re.IGNORECASE)
PEOPLE = re.compile(r"\b(?:sub-?agents?|(?:an)?other[ ]helpers?|(?:this|next|last|earlier|previous) session"
                    r"|language[ ]model)\b", re.IGNORECASE)
DOCUMENT = re.compile(r"(?<![\w}>*$/.-])[\w.-]+(?:/[\w.-]+)*\.md\b")
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\s*\[[^\]]+\]:\s*(\S+)")
PLACEHOLDER = re.compile(r"[<>*{}$…|]|\.\.\.")
SHELL_FENCES = {"sh", "shell", "bash", "console"}
OWN_FIXTURES = "tests/lint/self/test_mentions.py"


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = common.tracked(root)
        self.names = set(self.files)
        self.folders = {"."}
        for name in self.files:
            while posixpath.dirname(name):
                name = posixpath.dirname(name)
                self.folders.add(name)
        self.base_names = {posixpath.basename(n) for n in self.files}

    def exists(self, path):
        path = posixpath.normpath(path)
        return path in self.names or path in self.folders

    def executable(self, path):
        return os.access(os.path.join(self.root, path), os.X_OK)

    def text(self, path):
        return common.read(self.root, path) or ""


def slug(heading):
    """The anchor that the usual renderers give a heading."""
    heading = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda m: m.group(1) or "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def split_fences(text):
    """(line number, line, language of the code block or None) of each line of a Markdown text."""
    language = None
    for number, line in common.numbered(text):
        fence = re.match(r"\s*(?:```|~~~)\s*([\w-]*)", line)
        if fence:
            language = None if language is not None else fence.group(1)
        else:
            yield number, line, language


def anchors(text):
    return {slug(line.lstrip("#")) for _, line, code in split_fences(text) if code is None and line.startswith("#")}


def check_link(tree, name, number, target):
    if re.match(r"[a-z][a-z+.-]*:", target):
        return
    path, _, anchor = urllib.parse.unquote(target).partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
    if path.startswith("../") or not tree.exists(path):
        yield name, number, f"dead link: {target}"
    elif anchor and path.endswith(".md") and anchor not in anchors(tree.text(path)):
        yield name, number, f"dead link: {path} has no heading #{anchor}"


def check_options(tree, name, number, script, words):
    text = tree.text(script)
    for word in words:
        option = word.split("=")[0]
        if option.startswith("--") and len(option) > 2 and option not in text:
            yield name, number, f"{script} has no option {option}"
        elif script == "check" and re.fullmatch(r"[a-z]+", word) \
                and not re.search(rf"^#   {word} ", text, re.MULTILINE):
            yield name, number, f"check has no part {word}"


def check_cmake(tree, name, number, words):
    for word, following in zip(words, [*words[1:], ""]):
        if word.startswith("-DBSP=") and not tree.exists(f"bsp/{word[6:]}/bsp.cmake"):
            yield name, number, f"{word}: there is no such board"
        if word.startswith("--toolchain") or word.startswith("-DCMAKE_TOOLCHAIN_FILE="):
            path = word.partition("=")[2] or following
            if not posixpath.isabs(path) and not tree.exists(path):
                yield name, number, f"there is no {path}"
        if word.startswith("--preset"):
            preset = word.partition("=")[2] or following
            presets = json.loads(tree.text("CMakePresets.json") or "{}")
            known = {p["name"] for kind in presets.values() if isinstance(kind, list) for p in kind}
            if preset not in known:
                yield name, number, f"CMakePresets.json has no preset {preset}"


def check_command(tree, name, number, command):
    """One simple command of the documentation."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return
    while words and re.match(r"\w+=", words[0]):
        words.pop(0)
    if not words:
        return
    first = posixpath.normpath(words[0])
    words = [w for w in words[1:] if not PLACEHOLDER.search(w)]
    if first == "cmake":
        yield from check_cmake(tree, name, number, words)
    elif "/" in posixpath.join(words[0] if words else "", first) or command.lstrip().startswith("./"):
        if posixpath.isabs(first) or first.startswith(("build/", "~", "..")) or PLACEHOLDER.search(first):
            return
        if first in tree.names:
            if not tree.executable(first):
                yield name, number, f"{first} is not executable"
            yield from check_options(tree, name, number, first, words)
        elif first.split("/")[0] in tree.folders or command.lstrip().startswith("./"):
            if first not in tree.folders:
                yield name, number, f"there is no {first}"


def check_span(tree, name, number, span):
    """Inline code: a command of ours or a path in the tree."""
    first = span.split()[0] if span.split() else ""
    if first == "cmake" or re.match(r"\./[a-z]", first):
        yield from check_command(tree, name, number, span)
    elif "/" in first and first[0] != "." and first.split("/")[0] in tree.folders and not PLACEHOLDER.search(first):
        here = posixpath.join(posixpath.dirname(name), first)
        if posixpath.normpath(first) in tree.names:
            # One word alone that has an extension names a file.
            if len(span.split()) > 1 or "." not in posixpath.basename(first):
                yield from check_command(tree, name, number, span)
        elif not tree.exists(first.rstrip(":,")) and not tree.exists(here):
            yield name, number, f"there is no {first}"


def check_markdown(tree, name, text):
    for number, line, code in split_fences(text):
        if code in SHELL_FENCES:
            prompt = re.match(r"\s*\$ (.*)", line)
            if prompt or code != "console":
                for command in re.split(r"&&|\|\||[|;]", prompt.group(1) if prompt else line):
                    yield from check_command(tree, name, number, command.strip().rstrip("\\"))
        elif code is None:
            for span in re.findall(r"`([^`]+)`", line):
                yield from check_span(tree, name, number, span)
            for match in LINK.finditer(re.sub(r"`[^`]*`", "", line)):
                yield from check_link(tree, name, number, match.group(1) or match.group(2))


def check_words(tree, name, number, line):
    """What no file of the tree may say."""
    found = MACHINE_PATH.search(line)
    if found:
        yield name, number, f"a path of one machine: {found.group(0)}"
    for pattern, why in ((TRACKER, "a tracker's number"), (PEOPLE, "people at work on this tree")):
        found = pattern.search(line)
        if found:
            yield name, number, f"{why}: {found.group(0)}"
    depth = name.count("/")
    for up, word in CLIMB.findall(line):
        if up.count("../") > depth and word not in CLIMB_ALLOWED:
            yield name, number, f"outside the repository: {up}{word}"
    for token in DOCUMENT.findall(line):
        near = posixpath.join(posixpath.dirname(name), token)
        alone = "/" not in token and token in tree.base_names
        if not (alone or tree.exists(token) or tree.exists(near)):
            yield name, number, f"there is no {token}"


def check_file(tree, name, text):
    for number, line in common.numbered(text):
        yield from check_words(tree, name, number, line)
    if name.endswith(".md"):
        yield from check_markdown(tree, name, text)


def check(options):
    tree = Tree(options.root)
    if not any(n.endswith(".md") for n in tree.files):
        yield options.root, 0, "no Markdown file found: nothing was looked at"
    for name in tree.files:
        text = common.read(options.root, name)
        if text and name != OWN_FIXTURES:
            yield from check_file(tree, name, text)


if __name__ == "__main__":
    sys.exit(common.run(check, __doc__))
