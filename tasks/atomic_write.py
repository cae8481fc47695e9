"""A file appears whole or not at all: temporary name in the same folder, fsync, rename."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from tasks.errors import StorageUnavailable

TEMPORARY_PREFIX = ".darkroom-"  # hidden, so that no scan ever takes one for a photo
_DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE}


def temporary_beside(path: Path) -> Path:
    """
    A name next to *path* that nothing else uses; its folder is made.

    Raises:
        StorageUnavailable: The folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise StorageUnavailable(f"cannot make the folder {path.parent}: {exc.strerror}") from exc
    return path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"


def atomic_write(path: Path, content: bytes, *, durable: bool = True) -> None:
    """
    Write *content* to *path*, replacing what was there.

    Args:
        durable: False leaves out the fsync: for derivatives, which can be made again.
    Raises:
        StorageUnavailable: The disk is full, read-only or gone.
    """
    temporary = temporary_beside(path)
    try:
        _write_and_rename(temporary, path, content, durable)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        if exc.errno in _DISK_TROUBLE:
            raise StorageUnavailable(f"cannot write {path}: {exc.strerror}") from exc
        raise


def _write_and_rename(temporary: Path, path: Path, content: bytes, durable: bool) -> None:
    with temporary.open("xb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)
