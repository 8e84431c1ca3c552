# SPDX-License-Identifier: BSD-2-Clause
"""The user's terminal, raw while a machine runs, and as it was on every way out."""
import os
import termios


class RawTerminal:
    """Context manager: every key goes to us at once and unchanged (Ctrl-C too); output still turns \\n into \\r\\n."""

    def __init__(self, fd):
        self._fd = fd
        self._saved = None

    def __enter__(self):
        self._saved = termios.tcgetattr(self._fd)
        raw = termios.tcgetattr(self._fd)
        raw[0] &= ~(termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INLCR | termios.IGNCR
                    | termios.ICRNL | termios.IXON)
        raw[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN | termios.ISIG)
        raw[6][termios.VMIN] = 1
        raw[6][termios.VTIME] = 0
        termios.tcsetattr(self._fd, termios.TCSADRAIN, raw)
        return self

    def __exit__(self, *_):
        try:
            # What was typed at the guest is not meant for the shell after us.
            termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._saved)
        except termios.error:
            return  # the terminal is gone
        if os.isatty(1):
            # A guest may have left colours, or the cursor hidden.
            try:
                os.write(1, b"\033[0m\033[?25h")
            except OSError:
                pass


def is_coloured(stream):
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
