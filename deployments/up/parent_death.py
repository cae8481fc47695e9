"""Ties a process to the one that started it: when that is killed, even by SIGKILL, this one ends too."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send *number* to this process when its parent ends. Linux only; elsewhere nothing happens."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, number)


def become_subreaper() -> None:
    """Become the parent of grandchildren whose parent ends, so that none is lost sight of. Linux only."""
    if sys.platform == "linux":
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def main(arguments: list[str]) -> None:
    """`python -m deployments.up.parent_death PARENT_PID SIGNAL COMMAND…`: tie this process, then become COMMAND."""
    parent, number, *command = arguments
    die_with_parent(int(number))
    if os.getppid() != int(parent):  # it ended before we were tied
        sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
