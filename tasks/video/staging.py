"""
Where a stream or clip is made: a hidden folder beside its place, by one process at a time, renamed when it is complete.

The folder's name follows from the final one, so that whoever makes the same thing again after a kill clears away what
the kill left. The lock goes with the process that holds it, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import StorageUnavailable
from tasks.files.atomic_write import TEMPORARY_PREFIX, temporary_beside

_LOCK = ".lock"
_REPLACED = "-replaced"


@contextmanager
def staging_directory(place: Path) -> Iterator[Path]:
    """
    An empty temporary folder beside *place*, ours alone; gone afterwards, whatever happened.

    Waits while another thread or process makes the same thing: look again whether there still is anything to do.

    Raises:
        StorageUnavailable: The disk is full, read-only or gone.
    """
    temporary = temporary_beside(place)
    lock_path = temporary.with_name(temporary.name + _LOCK)
    try:
        lock = _lock(lock_path)
    except OSError as exc:
        raise StorageUnavailable(f"cannot write to {place.parent}: {exc.strerror}") from exc
    try:
        _empty(temporary)
        yield temporary
    finally:
        _remove(temporary)
        lock_path.unlink(missing_ok=True)  # while it is ours
        os.close(lock)


def put_in_place(temporary: Path, folder: Path) -> None:
    """
    The finished stream takes the place of what was there, a sentinel among it.

    Raises:
        StorageUnavailable: The disk is full, read-only or gone.
    """
    replaced = temporary.with_name(temporary.name + _REPLACED)
    try:
        _sync(temporary)
        _remove(replaced)
        if folder.exists():
            folder.rename(replaced)
        temporary.rename(folder)
        _sync_folder(folder.parent)
    except OSError as exc:
        raise StorageUnavailable(f"cannot put {folder} in place: {exc.strerror}") from exc
    _remove(replaced)


def remove_stale(video_folder: Path) -> int:
    """Remove what killed encodes left; what somebody is making right now is left alone. Returns how many."""
    cleared = 0
    for place in sorted(video_folder.glob(f"*/{TEMPORARY_PREFIX}*")):
        name = place.name.removesuffix(_LOCK).removesuffix(_REPLACED)
        lock_path = place.with_name(name + _LOCK)
        try:
            lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            continue  # read-only or gone: the next run looks again
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        if place.is_dir():
            _remove(place)
            cleared += 1
        lock_path.unlink(missing_ok=True)
        os.close(lock)
    return cleared


def _empty(folder: Path) -> None:
    try:
        _remove(folder)
        folder.mkdir()
    except OSError as exc:
        raise StorageUnavailable(f"cannot make the folder {folder}: {exc.strerror}") from exc


def _lock(path: Path) -> int:
    """The locked file, once nobody else has it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        os.close(descriptor)  # whoever had it before us removed it: the next one opens another
        time.sleep(0.01)


def _remove(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
