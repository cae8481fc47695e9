"""Whether a folder can be written, found out by writing: permission bits do not know of full or read-only disks."""

from __future__ import annotations

import tempfile
from pathlib import Path


def write_problem(folder: Path) -> str:
    """
    What keeps a file from being written into *folder*, or "" where nothing does.

    A folder that is not there yet is judged by the nearest one above it that is; nothing is left behind.
    """
    standing = folder
    while not standing.exists() and standing != standing.parent:
        standing = standing.parent
    if not standing.is_dir():
        return f"{standing} is not a folder"
    try:
        with tempfile.TemporaryFile(dir=standing, prefix=".darkroom-") as file:
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as exc:
        return exc.strerror or str(exc)
    return ""
