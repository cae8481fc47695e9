"""
A file appears whole or not at all: temporary name in the same folder, fsync, rename.

The temporary name follows from the final one, so that whoever makes the file again after a kill also clears away what
the kill left.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tasks.errors import StorageUnavailable
from tasks.files.private import give_mode

TEMPORARY_PREFIX = ".darkroom-"  # hidden, so that no scan ever takes one for a photo
OLD_SECONDS = 24 * 3600
_DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE,
                 errno.ENOTDIR, errno.EISDIR}  # fmt: skip


def temporary_beside(path: Path, within: Path | None = None) -> Path:
    """
    The hidden name under which *path* is written; its folder is made.

    Raises:
        StorageUnavailable: The folder cannot be made.
    """
    make_way(path, within)
    name = hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()
    return path.parent / f"{TEMPORARY_PREFIX}{name}"


def make_way(path: Path, within: Path | None = None) -> None:
    """
    Make the folder of *path*.

    Args:
        within: A tree of derivatives. What stands in the way below it, a file where a folder is needed or the other
            way round, was made from an original that is no longer there: it goes.
    Raises:
        StorageUnavailable: The folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if within is not None and path.is_dir() and path.is_relative_to(within) and path != within:
            shutil.rmtree(path)
    except OSError as exc:
        obstacle = next((folder for folder in path.parents if folder.is_file()), None)
        if within is None or obstacle is None or within not in obstacle.parents:
            raise StorageUnavailable(f"cannot make the folder {path.parent}: {exc.strerror}") from exc
        obstacle.unlink()
        make_way(path, within)


def atomic_write(
    path: Path, content: bytes, *, durable: bool = True, within: Path | None = None, mode: int | None = None
) -> None:
    """
    Write *content* to *path*, replacing what was there.

    Args:
        durable: False leaves out the fsync: for what can be made again and says nothing by being there.
        within: As in `make_way`.
        mode: Of the file, whatever the umask: for what is written into a library, which is not private to us.
    Raises:
        StorageUnavailable: The disk is full, read-only or gone.
    """
    temporary = temporary_beside(path, within)
    try:
        _write_and_rename(temporary, path, content, durable, mode)
    except OSError as exc:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if exc.errno in _DISK_TROUBLE:
            raise StorageUnavailable(f"cannot write {path}: {exc.strerror}") from exc
        raise


def _write_and_rename(temporary: Path, path: Path, content: bytes, durable: bool, mode: int | None) -> None:
    descriptor, temporary = _open_alone(temporary)
    with os.fdopen(descriptor, "wb") as file:
        file.truncate(0)
        if mode is not None:
            give_mode(descriptor, mode)
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
        else:
            file.flush()
        temporary.replace(path)  # while we hold its lock: nobody else can be writing it


def _open_alone(temporary: Path) -> tuple[int, Path]:
    """The temporary file, locked; under another name where somebody else is writing the same file right now."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == temporary.stat().st_ino:  # not renamed between open and lock
            return descriptor, temporary
    except (BlockingIOError, FileNotFoundError):
        pass  # somebody else has it, or has just finished with it
    os.close(descriptor)
    other = temporary.with_name(f"{temporary.name}-{secrets.token_hex(4)}")
    return os.open(other, flags | os.O_EXCL, 0o644), other


def sweep_temporary(folder: Path) -> int:
    """Delete what kills left half written under *folder*, where it is old enough to be nobody's; returns how many."""
    deleted = 0
    for path in _temporary_files(folder):
        if not is_old_temporary(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        deleted += 1
    return deleted


def is_old_temporary(path: Path) -> bool:
    """A file or folder of our temporary names that nobody has written to for a day."""
    try:
        status = path.lstat()
    except OSError:
        return False
    old = status.st_mtime < time.time() - OLD_SECONDS
    plain = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    return old and plain and path.name.startswith(TEMPORARY_PREFIX)


def _temporary_files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            if name.startswith(TEMPORARY_PREFIX):
                yield Path(parent) / name
