# SPDX-License-Identifier: BSD-2-Clause
"""What a run's console output says about how it went, and the exit code that follows.

hv's last line is `ashlar: exit status=<ok|vm-fault|panic> vm=<name> nonce=<nonce>`. The nonce is new in every run and
only hv knows it, so a guest that prints such a line is not believed.
"""
import re

OK, FAILED, REFUSED, VM_FAULT, PANIC, TIMEOUT = 0, 1, 2, 3, 4, 124

EXIT_LINE = re.compile(rb"ashlar: exit status=(ok|vm-fault|panic) vm=(\S*) nonce=([0-9a-f]+)\s*$")
SELFTEST_LINE = re.compile(rb"\bSELFTEST (PASS|FAIL.*)")
BACKTRACE_LINE = re.compile(rb"#\d+ 0x[0-9a-f]+ \(hv\+0x[0-9a-f]+\)")
LONGEST_LINE = 4096
MOST_BACKTRACE_LINES = 64
SEVERITY = ("ok", "vm-fault", "panic")


class Watcher:
    """Reads the console's bytes as they come."""

    def __init__(self, nonce):
        self._nonce = nonce.encode()
        self._line = b""
        self.status = None  # what hv said: the worst, if it said more than one thing
        self.vm = ""
        self.selftest_passed = False
        self.selftest_failure = None
        self.backtrace = []

    def feed(self, data):
        *lines, rest = (self._line + data).split(b"\n")
        for line in lines:
            self._look_at(line)
        # A guest may never end its line; what counts is short.
        self._line = rest[-LONGEST_LINE:]

    def end(self):
        self._look_at(self._line)
        self._line = b""

    def _look_at(self, line):
        line = line[-LONGEST_LINE:]
        if BACKTRACE_LINE.search(line) and len(self.backtrace) < MOST_BACKTRACE_LINES:
            self.backtrace.append(line.decode(errors="replace").rstrip())
        said = SELFTEST_LINE.search(line)
        if said and said.group(1) == b"PASS":
            self.selftest_passed = True
        elif said:
            self.selftest_failure = said.group(1).decode(errors="replace").strip()
        said = EXIT_LINE.search(line)
        if said and said.group(3) == self._nonce:
            status = said.group(1).decode()
            if self.status is None or SEVERITY.index(status) > SEVERITY.index(self.status):
                self.status = status
                self.vm = said.group(2).decode(errors="replace")


def judge(watcher, ended_by, selftest):
    """(exit code, words) for a run.

    ended_by: "itself", "refused" (the emulator said no, and hv never came), "timeout", "user" (left by Ctrl-A x) or
    a signal's number; selftest: whether the demo's guests
    were told to test themselves.
    """
    if isinstance(ended_by, int):
        return 128 + ended_by, f"ended by signal {ended_by}"
    if watcher.status == "panic":
        return PANIC, "hv panicked"
    if watcher.status == "vm-fault" and watcher.vm == "-":
        return VM_FAULT, "hv did not take the bundle as it is, see above"
    if watcher.status == "vm-fault":
        return VM_FAULT, f"VM {watcher.vm} was stopped for a fault"
    if watcher.status == "ok":
        if selftest and watcher.selftest_failure:
            return FAILED, f"the guest's self-test: {watcher.selftest_failure}"
        if selftest and not watcher.selftest_passed:
            return FAILED, "every VM ended well, but no guest said SELFTEST PASS"
        return OK, "every VM ended well"
    if ended_by == "timeout":
        return TIMEOUT, "the time is up"
    if ended_by == "refused":
        return REFUSED, "the emulator does not start this machine, see above"
    if ended_by == "user":
        return OK, "left by Ctrl-A x"
    return PANIC, "the machine ended without a word from hv"
