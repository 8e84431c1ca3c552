# SPDX-License-Identifier: BSD-2-Clause
"""Just enough of the flattened device tree (Devicetree Specification v0.4, chapter 5) to look at our own files."""
import struct

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9


class Node:
    def __init__(self, path):
        self.path = path
        self.properties = {}
        self.children = []

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def child(self, name):
        return next((c for c in self.children if c.path.rsplit("/", 1)[1].split("@")[0] == name), None)


def strings(value):
    """The value as a list of strings, or None if it is not one."""
    if not value or value[-1] != 0:
        return None
    parts = value[:-1].split(b"\0")
    try:
        words = [part.decode("utf-8") for part in parts]
    except UnicodeDecodeError:
        return None
    return words if all(word.isprintable() for word in words) else None


def show(value):
    """The value as dtc would write it."""
    words = strings(value)
    if words and all(words):
        return ", ".join(f'"{word}"' for word in words)
    if not value:
        return "(empty)"
    if len(value) % 4 == 0:
        return "<" + " ".join(f"{cell:#x}" for (cell,) in struct.iter_unpack(">I", value)) + ">"
    return "[" + value.hex(" ") + "]"


def parse(blob):
    """The root node of a tree that dtc wrote (trusted: our own tool's output)."""
    magic, _, at, names = struct.unpack_from(">IIII", blob)
    if magic != MAGIC:
        raise ValueError("not a flattened device tree")
    stack = []
    root = None
    while True:
        (token,) = struct.unpack_from(">I", blob, at)
        at += 4
        if token == BEGIN_NODE:
            end = blob.index(b"\0", at)
            name = blob[at:end].decode("ascii")
            at = (end + 4) & ~3
            node = Node(f"{stack[-1].path.rstrip('/')}/{name}" if stack else "/")
            if stack:
                stack[-1].children.append(node)
            root = root or node
            stack.append(node)
        elif token == END_NODE:
            stack.pop()
        elif token == PROP:
            length, name_at = struct.unpack_from(">II", blob, at)
            name_at += names
            name = blob[name_at:blob.index(b"\0", name_at)].decode("ascii")
            stack[-1].properties[name] = blob[at + 8:at + 8 + length]
            at = (at + 8 + length + 3) & ~3
        elif token == END:
            return root
        elif token != NOP:
            raise ValueError(f"token {token} in a device tree")
