"""
What we write is for the user we run as: catalog, previews, secrets and logs tell everything about a family's photos.

New files are private because every process of ours begins with `deny_others`. Homes made before that are closed by
`close_to_others`: a folder nobody else can enter protects all that is in it, so that no time is spent on a million
thumbnails.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PRIVATE_UMASK = 0o077
_OTHERS = 0o077


def deny_others() -> None:
    """From now on this process, and those it starts, make files of mode 0600 and folders of mode 0700."""
    os.umask(PRIVATE_UMASK)


def open_to_others(paths: Iterable[Path]) -> list[Path]:
    """Those of *paths* that somebody else on this machine may read, write or enter."""
    return [path for path in paths if _mode(path) & _OTHERS]


def close_to_others(paths: Iterable[Path]) -> list[Path]:
    """
    Take the rights of group and others away.

    Returns:
        The paths that were open and are closed now. What belongs to somebody else, or lies on a file system without
        modes, stays as it is: `open_to_others` still names it.
    """
    closed = []
    for path in open_to_others(paths):
        try:
            path.chmod(_mode(path) & ~_OTHERS)
        except OSError:
            continue
        if not _mode(path) & _OTHERS:
            closed.append(path)
    return closed


def mode_in(folder: Path) -> int:
    """The mode of a file that belongs to whoever may use *folder*: a library is the person's, not ours."""
    while not folder.exists():
        folder = folder.parent
    return stat.S_IMODE(folder.stat().st_mode) & 0o666


def give_mode(path: Path | int, mode: int) -> None:
    """`chmod` where there is such a thing: exFAT and some network shares refuse it."""
    with suppress(OSError):
        os.chmod(path, mode)  # noqa: PTH101 - a descriptor is no Path


def _mode(path: Path) -> int:
    """0 for what is not there, and for links: what they lead to was not made by us."""
    try:
        status = path.lstat()
    except OSError:
        return 0
    return 0 if stat.S_ISLNK(status.st_mode) else stat.S_IMODE(status.st_mode)
