# SPDX-License-Identifier: BSD-2-Clause
"""Runs an emulator: its console goes to us and from us to the user; it never outlives us.

The emulator's own process group has no terminal: the keys come through a pipe, so that the terminal's state is ours
alone to change and to restore, however the emulator dies.
"""
import contextlib
import ctypes
import errno
import os
import select
import signal
import subprocess
import sys
import time

from ashlar.common import ToolError
from ashlar.terminal import RawTerminal

KILL_AFTER_S = 1.0
# hv powers the machine off after its last words, or stops all CPUs if it cannot.
GRACE_AFTER_VERDICT_S = 5.0
LONGEST_WAIT_S = 3600.0  # select() takes no number of any size
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LEAVE_PREFIX, LEAVE_KEY = b"\x01", b"x"
PR_SET_PDEATHSIG = 1


class Leaver:
    """Sees Ctrl-A x go by, so that leaving on purpose is told from a machine that died."""

    def __init__(self):
        self.left = False
        self._prefix = False

    def feed(self, keys):
        for key in (keys[i:i + 1] for i in range(len(keys))):
            if self._prefix:
                self.left = self.left or key == LEAVE_KEY
                self._prefix = False
            else:
                self._prefix = key == LEAVE_PREFIX


def die_with_parent():
    """In the child: should we be killed in a way that cannot be caught, the emulator goes too (Linux prctl(2))."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def write_all(fd, data):
    """Write to a descriptor that may be non-blocking (some other program's doing)."""
    while data:
        try:
            data = data[os.write(fd, data):]
        except BlockingIOError:
            select.select([], [fd], [])


class Machine:
    """One run of one emulator command. run() returns how it ended, for verdict.judge."""

    def __init__(self, command, watcher, keyboard=None, timeout_s=None):
        """keyboard: the descriptor of a terminal, or None for a machine that nobody types at."""
        self._command = command
        self._watcher = watcher
        self._keyboard = keyboard
        self._deadline = time.monotonic() + timeout_s if timeout_s else None
        self._process = None
        self._signal = None
        self._typed = b""
        self._was_heard = False  # the console has said something
        self._leaver = Leaver()

    def run(self):
        with contextlib.ExitStack() as stack:
            wake = self._catch_signals(stack)
            self._start()
            stack.callback(self._kill)
            if self._keyboard is not None:
                stack.enter_context(RawTerminal(self._keyboard))
            ended_by = self._loop(wake)
            self._watcher.end()
            return ended_by

    def _catch_signals(self, stack):
        read_end, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        stack.callback(os.close, read_end)
        stack.callback(os.close, write_end)
        stack.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(write_end))

        def note(number, _):
            self._signal = self._signal or number

        for number in ENDING_SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup stays in force
                stack.callback(signal.signal, number, signal.signal(number, note))
        return read_end

    def _start(self):
        stdin = subprocess.DEVNULL if self._keyboard is None else subprocess.PIPE
        try:
            self._process = subprocess.Popen(self._command, stdin=stdin, stdout=subprocess.PIPE, bufsize=0,
                                             start_new_session=True, preexec_fn=die_with_parent)
        except OSError as error:
            raise ToolError(f"{self._command[0]}: {error.strerror}") from None
        if self._process.stdin:
            os.set_blocking(self._process.stdin.fileno(), False)

    def _await_leader(self, limit_s):
        """Wait for the emulator to end, without reaping it: until then its group's number is not given to others. How
        it ended; None: it has not."""
        until = time.monotonic() + limit_s
        while True:
            ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            if ended is not None or time.monotonic() >= until:
                return ended
            time.sleep(0.01)

    def _kill(self):
        """End the whole process group: asked first, then made to."""
        self._signal_group(signal.SIGTERM)
        self._await_leader(KILL_AFTER_S)
        self._signal_group(signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _signal_group(self, number):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _loop(self, wake):
        console = self._process.stdout.fileno()
        while True:
            readable = self._wait(console, wake)
            if self._signal:
                return int(self._signal)
            if self._keyboard in readable:
                self._read_keys()
            self._send_keys()
            if console in readable:
                data = os.read(console, 65536)
                if not data:
                    break
                self._show(data)
            if self._deadline and time.monotonic() >= self._deadline:
                return "itself" if self._watcher.status else "timeout"
        ended = self._await_leader(KILL_AFTER_S)
        if not self._was_heard and ended and ended.si_code == os.CLD_EXITED and ended.si_status != 0:
            return "refused"
        return "user" if self._leaver.left else "itself"

    def _wait(self, console, wake):
        sources = [console, wake]
        if self._keyboard is not None and not self._typed:
            sources.append(self._keyboard)
        sinks = [self._process.stdin] if self._typed else []
        left = min(max(0.0, self._deadline - time.monotonic()), LONGEST_WAIT_S) if self._deadline else None
        readable, _, _ = select.select(sources, sinks, [], left)
        if wake in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 512)
        return readable

    def _read_keys(self):
        try:
            keys = os.read(self._keyboard, 4096)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            keys = b""
        if not keys:  # the terminal has hung up
            self._signal = signal.SIGHUP
        self._leaver.feed(keys)
        self._typed += keys

    def _send_keys(self):
        if not self._typed:
            return
        try:
            self._typed = self._typed[os.write(self._process.stdin.fileno(), self._typed):]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._typed = b""

    def _show(self, data):
        self._was_heard = True
        was_said = self._watcher.status
        self._watcher.feed(data)
        write_all(sys.stdout.fileno(), data)
        if self._watcher.status and not was_said:
            grace = time.monotonic() + GRACE_AFTER_VERDICT_S
            self._deadline = min(self._deadline, grace) if self._deadline else grace
