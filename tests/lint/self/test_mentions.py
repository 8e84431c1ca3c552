# SPDX-License-Identifier: BSD-2-Clause
"""mentions.py on trees with one fault each."""
import os
import unittest

from support import TreeTest

TREE = {
    "run": "#!/bin/sh\n#   --headless   no console\n",
    "check": "#!/bin/sh\n#   unit       one file\n#   lint       text\n",
    "hv/tools/mkbundle": "#!/usr/bin/env python3\n",
    "bsp/qemu-virt/bsp.cmake": "",
    "toolchains/aarch64.cmake": "",
    "CMakePresets.json": '{"version": 3, "configurePresets": [{"name": "host"}]}\n',
    "docs/guide.md": "# Guide\n\n## Life of an exit, part 2\n",
}
GOOD = """\
# Title
See [the guide](docs/guide.md#life-of-an-exit-part-2), [here](#title), [elsewhere](https://example.org/gone.md).
`hv/tools/mkbundle DIR`, `tests/unit/<lib>/`, `build/host`, `docs/`, `./run --headless`.
```sh
./run --headless --timeout=3 && ./check unit lint   # --timeout is in the text
cmake -S . -B build/x -DBSP=qemu-virt --toolchain toolchains/aarch64.cmake
cmake --preset host
```
```console
$ ./run --headless
ashlar: a line of output; ./absent
```
```c
int x = hv/tools/absent;   /* [not](a-link-at-all) */
```
Arm IHI 0069, issue H; the issue of a manual.
"""
# line added to README.md, what is said
FAULTS = (
    ("[gone](docs/gone.md)", "dead link"),
    ("[gone](docs/guide.md#nowhere)", "no heading #nowhere"),
    ("[out](../other/page)", "outside the repository"),
    ("[ref]: docs/absent.html", "dead link"),
    ("`./ran --headless`", "there is no ran"),
    ("`hv/tools/absent`", "there is no hv/tools/absent"),
    ("`./run --absent`", "run has no option --absent"),
    ("`./check units`", "check has no part units"),
    ("`cmake -DBSP=absent`", "no such board"),
    ("`cmake --toolchain toolchains/absent.cmake`", "there is no toolchains/absent.cmake"),
    ("`cmake --preset absent`", "no preset absent"),
    ("as plan.md says", "there is no plan.md"),
    ("as ../shared/plan says", "outside the repository"),
    ("cd /home/someone/tree", "a path of one machine"),
    ("see /work/tree", "a path of one machine"),
    ("fixes issue #12", "tracker"),
    ("see PR 7", "tracker"),
    ("left to another helper", "people"),
)


class Mentions(TreeTest):
    def setUp(self):
        super().setUp()
        for name, text in TREE.items():
            self.put(name, text, executable=True)
        self.put("run", TREE["run"] + "#   --timeout S\n", executable=True)

    def test_a_good_tree_passes(self):
        self.put("README.md", GOOD)
        self.assert_clean("mentions.py")

    def test_each_fault_is_found(self):
        last = GOOD.count("\n") + 1
        for line, reason in FAULTS:
            with self.subTest(line=line):
                self.put("README.md", GOOD + line + "\n")
                self.assert_finds("mentions.py", f"README.md:{last}: ", reason)

    def test_commands_in_code_blocks_are_looked_at(self):
        for block in ("```sh\ntrue && hv/tools/gone x\n```\n", "```console\n$ ./gone\n```\n"):
            self.put("README.md", block)
            self.assert_finds("mentions.py", "README.md:2: ", "there is no")

    def test_a_command_must_be_executable(self):
        self.put("hv/tools/plain", "")
        self.put("README.md", "`hv/tools/plain`\n")
        self.assert_finds("mentions.py", "README.md:1: ", "not executable")

    def test_code_may_not_speak_of_what_is_outside_either(self):
        self.put("README.md", "\n")
        self.put("libx/src/a.c", "/* see ../../../shared/notes */\n")
        self.assert_finds("mentions.py", "libx/src/a.c:1: ", "outside the repository")
        self.put("libx/src/a.c", "/* docs/absent.md */\n")
        self.assert_finds("mentions.py", "libx/src/a.c:1: ", "there is no docs/absent.md")

    def test_a_tree_without_documents_is_no_success(self):
        os.unlink(os.path.join(self.root, "docs/guide.md"))
        self.assert_finds("mentions.py", "", "nothing was looked at")


if __name__ == "__main__":
    unittest.main()
