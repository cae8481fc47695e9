"""Reading a few bytes here and there of one original, whether it is already in memory or still on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import UnreadableFile

_HEAD_BYTES = 64 * 1024  # directories of a RAW mostly sit here: one read instead of twenty


class ByteSource:
    """Random access; whatever lies outside the file reads as nothing instead of failing."""

    def __init__(self, path: Path, content: bytes | None, descriptor: int) -> None:
        self.path = path
        self._content = content
        self._descriptor = descriptor
        self.size = len(content) if content is not None else os.fstat(descriptor).st_size
        self._head = b"" if content is not None else _read(path, descriptor, 0, _HEAD_BYTES)

    def at(self, offset: int, length: int) -> bytes:
        """Up to *length* bytes from *offset*; fewer at the end of the file, none outside it."""
        if offset < 0 or length <= 0 or offset >= self.size:
            return b""
        if self._content is not None:
            return self._content[offset : offset + length]
        if offset + length <= len(self._head):
            return self._head[offset : offset + length]
        return _read(self.path, self._descriptor, offset, min(length, self.size - offset))


@contextmanager
def open_source(path: Path, content: bytes | None = None) -> Iterator[ByteSource]:
    """
    Args:
        content: The whole file, where the caller has read it already; None reads *path* piece by piece.
    Raises:
        UnreadableFile: The operating system will not let us read it.
    """
    if content is not None:
        yield ByteSource(path, content, -1)
        return
    descriptor = _open(path)
    try:
        yield ByteSource(path, None, descriptor)
    finally:
        os.close(descriptor)


def read_whole(path: Path) -> bytes:
    """Raises: UnreadableFile."""
    try:
        return path.read_bytes()
    except OSError as exc:
        raise UnreadableFile(path, f"cannot be read: {exc.strerror}") from exc


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as exc:
        raise UnreadableFile(path, f"cannot be opened: {exc.strerror}") from exc


def _read(path: Path, descriptor: int, offset: int, length: int) -> bytes:
    try:
        return os.pread(descriptor, length, offset)
    except OSError as exc:
        raise UnreadableFile(path, f"cannot be read: {exc.strerror}") from exc
