"""
Ctrl-C and SIGTERM end a command at once, with one line.

Not by an exception: raised at whatever place the command is at, it was swallowed there, or came out as sixty lines of
DuckDB's own. Nothing has to be put in order first: an open transaction is dropped by the catalog, a file appears whole
or not at all, and programs we started end with us.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

MESSAGE = "darkroom: stopped; what was done is kept, the next run goes on from there\n"
_SHOW_CURSOR = "\r\x1b[?25h\n"  # progress bars hide it
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def end_at_once() -> None:
    """From now on SIGINT and SIGTERM end this process: exit code 130 or 143."""
    terminal, ending = _terminal(), threading.Lock()

    def end(number: int, _frame: FrameType | None = None) -> None:
        if not ending.acquire(blocking=False):
            return  # the other thread, or the signal before this one, is at it
        _restore(terminal)
        with suppress(OSError):
            os.write(2, MESSAGE.encode())
        os._exit(128 + number)

    for number in _SIGNALS:
        signal.signal(number, end)
    _watch_for_signals(end)
    os.register_at_fork(after_in_child=_leave_to_the_default)


def _leave_to_the_default() -> None:
    """A fork of ours has nothing to say, and must not write into our pipe."""
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _watch_for_signals(end: Callable[[int, FrameType | None], None]) -> None:
    """
    A thread that hears of signals as they come: the handlers themselves wait until the main thread is back in Python,
    which a statement of DuckDB may keep it from for many seconds.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)

    def watch() -> None:
        while number := os.read(read, 1):
            if number[0] in _SIGNALS and signal.getsignal(number[0]) is end:  # the SQL shell has a handler of its own
                end(number[0], None)

    threading.Thread(target=watch, name="signals", daemon=True).start()


def _terminal() -> list[Any] | None:
    """How the terminal is set, to be put back: the SQL shell's line editor changes it. None where there is none."""
    import termios

    with suppress(termios.error, ValueError, AttributeError, OSError):
        return termios.tcgetattr(sys.stdin)
    return None


def _restore(terminal: list[Any] | None) -> None:
    import termios

    if terminal is not None:
        with suppress(termios.error, OSError):
            termios.tcsetattr(sys.stdin, termios.TCSANOW, terminal)
    if os.isatty(2):
        with suppress(OSError):
            os.write(2, _SHOW_CURSOR.encode())
