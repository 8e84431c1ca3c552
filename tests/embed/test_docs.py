# SPDX-License-Identifier: BSD-2-Clause
"""The commands of docs/embedding.md, section by section, each in an empty folder beside a copy of the tree."""
import os
import re
import unittest

from support import ROOT, EmbedTest, copy_tree

PAGE = os.path.join(ROOT, "docs/embedding.md")
# A file to write: its name in a line alone, then a block; or commands.
BLOCK = re.compile(r"^(?:`(?P<name>[\w./-]+)`:\n\n)?```(?P<language>[\w+]+)\n(?P<text>.*?)^```$",
                   re.MULTILINE | re.DOTALL)


def sections():
    """{heading: its text} of the sections that have commands."""
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], (re.split(r"^## ", p, flags=re.MULTILINE)[0] for p in parts[2::2])))
    return {heading: body for heading, body in found.items() if "```sh" in body}


def steps(body):
    for match in BLOCK.finditer(body):
        if match["name"]:
            yield "file", match["name"], match["text"]
        elif match["language"] == "sh":
            yield "commands", None, match["text"]


def promised(body):
    """What a section says that its commands print; the head of the page says it for those that say nothing."""
    said = [m["text"].strip() for m in BLOCK.finditer(body) if m["language"] == "text"]
    return said or ["load of 1 bytes at 0x9000018"]


class Docs(EmbedTest):
    def follow(self, heading):
        copy_tree(os.path.join(self.folder, "ashlar"))
        body = sections()[heading]
        said = ""
        for kind, name, text in steps(body):
            if kind == "file":
                path = os.path.join(self.folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
            else:
                said += self.must("sh", "-euc", text)
        for line in promised(body):
            self.assertIn(line, said)

    def test_every_way_in_is_there(self):
        for heading in ("add_subdirectory", "find_package", "pkg-config", "Plain make", "C++17"):
            self.assertIn(heading, sections())


def add(heading):
    name = "test_" + re.sub(r"\W+", "_", heading.lower()).strip("_")
    setattr(Docs, name, lambda self: self.follow(heading))


for one in sections():
    add(one)

if __name__ == "__main__":
    unittest.main()
