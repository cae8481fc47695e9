"""Where derivatives lie: mirrored under their root, and the empty file that says 'this one cannot be shown'."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePath

from tasks.errors import InvalidPath
from tasks.files.atomic_write import atomic_write

SUFFIX = ".unsupported"
_MAX_NAME_BYTES = 255  # of one path component, on every file system we know


def mirrored_path(root: Path, rel_path_os: str) -> Path:
    """
    The derivative of an original: same place in the tree, same name and extension, though the content is JPEG.

    Args:
        rel_path_os: Relative to the library root, as the operating system spells it.
    Raises:
        InvalidPath: It is absolute, empty or climbs out of the tree.
    """
    relative = PurePath(rel_path_os)
    if relative.is_absolute() or not relative.parts or ".." in relative.parts:
        raise InvalidPath(f"not a path inside a library: {rel_path_os!r}")
    return root / relative


def sentinel_path(thumbnail: Path) -> Path:
    """`<thumbnail>.unsupported`; a name too long for that is cut, and kept apart from others by its hash."""
    name = os.fsencode(thumbnail.name)
    if len(name) + len(SUFFIX) <= _MAX_NAME_BYTES:
        return thumbnail.with_name(thumbnail.name + SUFFIX)
    ending = f"~{hashlib.blake2b(name, digest_size=8).hexdigest()}{SUFFIX}"
    kept = thumbnail.name
    while len(os.fsencode(kept)) + len(ending) > _MAX_NAME_BYTES:
        kept = kept[:-1]
    return thumbnail.with_name(kept + ending)


def mark_unsupported(thumbnail: Path, within: Path | None = None) -> Path:
    """
    Leave an empty file saying that *thumbnail* cannot be made; deleting it asks for another try.

    Raises:
        StorageUnavailable: The folder cannot be written.
    """
    sentinel = sentinel_path(thumbnail)
    atomic_write(sentinel, b"", durable=False, within=within)
    return sentinel


def is_marked(thumbnail: Path) -> bool:
    return sentinel_path(thumbnail).is_file()


def clear_mark(thumbnail: Path) -> None:
    """The thumbnail exists now, or shall be tried again."""
    sentinel_path(thumbnail).unlink(missing_ok=True)
