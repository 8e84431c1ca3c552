# SPDX-License-Identifier: BSD-2-Clause
"""Run one emulator command as ./run does, and exit with the verdict:
drive_machine.py keyboard|none TIMEOUT COMMAND..."""
import sys

import support  # noqa: F401
from ashlar import verdict
from ashlar.machine import Machine

keyboard, timeout, *command = sys.argv[1:]
watcher = verdict.Watcher("feed")
if command[0] == "crash-in-us":
    watcher.feed = lambda data: 1 // 0
    command = command[1:]
ended_by = Machine(command, watcher, 0 if keyboard == "keyboard" else None, int(timeout) or None).run()
sys.exit(verdict.judge(watcher, ended_by, False)[0])
