# SPDX-License-Identifier: BSD-2-Clause
"""Small things that every script needs: errors that a person reads, files written in one step."""
import contextlib
import os
import sys
import tempfile


class ToolError(Exception):
    """A mistake or a missing thing, told in words; the script prints it and exits with `code`."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


@contextlib.contextmanager
def atomic_write(path):
    """A binary file that appears under its name only when it is complete."""
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    try:
        handle, fresh = tempfile.mkstemp(prefix="." + os.path.basename(path) + ".", dir=folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None  # not the name that we made up
    try:
        umask = os.umask(0)
        os.umask(umask)
        os.fchmod(handle, 0o666 & ~umask)
        with os.fdopen(handle, "wb") as out:
            yield out
        os.replace(fresh, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise


def told(error):
    """An OSError as a person says it: what it is about, and why."""
    about = error.filename2 or error.filename  # the second: what was to be replaced
    return f"{os.fsdecode(about)}: {error.strerror}" if isinstance(about, (str, bytes)) else str(error)


def main_of(name, function):
    """Run a script's main; mistakes become one message and an exit code."""
    try:
        sys.exit(function())
    except ToolError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(error.code)
    except BrokenPipeError:
        os._exit(141)
    except OSError as error:
        print(f"{name}: {told(error)}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
