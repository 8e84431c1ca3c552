#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""lib*/sources.mk, by which makefiles build a library, say what CMake builds. Configuring for this machine writes how
they should read into the build folder; --write puts that into the tree."""
import glob
import os
import shutil
import sys

import common


def check(options):
    made = sorted(glob.glob(os.path.join(glob.escape(options.build), "sources-mk/lib*.mk")))
    if not made:
        yield options.build, 0, "has no sources-mk/lib*.mk: nothing was looked at"
    for path in made:
        name = os.path.join(os.path.splitext(os.path.basename(path))[0], "sources.mk")
        target = os.path.join(options.root, name)
        if options.write:
            shutil.copyfile(path, target)
        elif not os.path.exists(target):
            yield name, 0, "is missing: tests/lint/sources_mk.py --write BUILD-FOLDER makes it"
        elif common.read(options.root, name) != common.read(os.path.dirname(path), os.path.basename(path)):
            yield name, 0, "is not what CMakeLists.txt says: tests/lint/sources_mk.py --write BUILD-FOLDER mends it"
    known = {os.path.splitext(os.path.basename(path))[0] for path in made}
    for path in glob.glob(os.path.join(glob.escape(options.root), "lib*/sources.mk")):
        if os.path.basename(os.path.dirname(path)) not in known:
            yield os.path.relpath(path, options.root), 0, "is of no library that CMake builds"


if __name__ == "__main__":
    parser = common.plain_arguments(__doc__)
    parser.add_argument("--write", action="store_true", help="into the tree")
    parser.add_argument("build", help="a build folder for this machine")
    sys.exit(common.run(check, __doc__, parser))
