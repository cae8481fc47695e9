"""An uploaded file on its way in: hidden and hashed while it comes, then put in its place without overwriting."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from pathlib import Path

from blake3 import blake3

from serving.listing.paths import checked_path, is_directory_inside
from tasks.errors import Conflict, InvalidPath, RefusedError, StorageUnavailable
from tasks.files.atomic_write import TEMPORARY_PREFIX
from tasks.files.media_types import HEAD_BYTES, MediaKind, by_name, identify
from tasks.files.names import to_os_name
from tasks.files.private import give_mode, mode_in
from tasks.files.walk import SKIPPED_DIRECTORIES, skip_reason

MAX_UPLOAD_BYTES = 16 << 30
_FLUSH_BYTES = 1 << 20
_MAX_NAME_BYTES = 255
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}
# Containers without a signature in tasks/files/media_types.py: where in the file, what stands there.
_RARE = {"ogv": (0, b"OggS"), "mxf": (0, b"\x06\x0e\x2b\x34"), "dv": (0, b"\x1f\x07\x00"), "crw": (6, b"HEAPCCDR")}


class TooLarge(RefusedError):
    status_code = 413


class NotMedia(RefusedError):
    """Neither a photo nor a video, or a name that no scan would pick up."""


class IncomingFile:
    """
    Bytes coming in. `write` only collects; `flush` (slow, for a thread) hashes and writes.

    Args:
        folder: Where the hidden temporary file is made: on the file system where it will stay.
    Raises:
        StorageUnavailable: It cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
        self.head = b""
        self.size_bytes = 0
        self._hash = blake3()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        try:
            self._file = self.path.open("xb")
        except OSError as exc:
            raise StorageUnavailable(f"the library cannot be written: {exc.strerror}") from exc

    def write(self, content: bytes) -> None:
        self.size_bytes += len(content)
        if self.size_bytes > MAX_UPLOAD_BYTES:
            raise TooLarge(f"a file of at most {MAX_UPLOAD_BYTES >> 30} GiB can be uploaded")
        if len(self.head) < HEAD_BYTES:
            self.head += content[: HEAD_BYTES - len(self.head)]
        self._waiting.append(content)
        self._waiting_bytes += len(content)

    @property
    def full(self) -> bool:
        return self._waiting_bytes >= _FLUSH_BYTES

    def flush(self) -> None:
        content, self._waiting, self._waiting_bytes = b"".join(self._waiting), [], 0
        self._hash.update(content)
        try:
            self._file.write(content)
        except OSError as exc:
            raise StorageUnavailable(f"the upload cannot be written: {exc.strerror}") from exc

    def finish(self) -> str:
        """All of it on the disk. Returns the content hash."""
        self.flush()
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as exc:
            raise StorageUnavailable(f"the upload cannot be written: {exc.strerror}") from exc
        return self._hash.hexdigest()

    def discard(self) -> None:
        """The temporary file goes, whatever became of it."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def recognised(head: bytes, name: str) -> MediaKind:
    """
    What the upload is, by its bytes; a name alone is not believed.

    Raises:
        NotMedia: It is none, or its name is one that scans pass over.
    """
    if skip_reason(name) or by_name(name) is None:
        raise NotMedia(f"{name[:200]!r} does not have the name of a photo or video")
    kind = identify(head, name)
    at, signature = _RARE.get(name.rpartition(".")[2].lower(), (0, b"\xff\xff no such file"))
    if kind is None or (identify(head, "") is None and not head[at:].startswith(signature)):
        raise NotMedia(f"{name[:200]!r} is neither a photo nor a video")
    return kind


def target_of(path: str, file_name: str, root: Path) -> str:
    """
    Where an upload goes, relative to the library.

    Args:
        path: Checked already: a folder ('' for the root), or a whole path whose last part is named like a medium.
        file_name: As the client called the file.
    Raises:
        InvalidPath: A part of it is hidden, excluded from scans, or too long; or GET would refuse the whole.
    """
    base = file_name.replace("\\", "/").rpartition("/")[2]
    whole = path and by_name(path) is not None and not is_directory_inside(root, root / to_os_name(path))
    target = path if whole else f"{path}/{base}".lstrip("/")
    for part in target.split("/"):
        if part.startswith(".") or part in SKIPPED_DIRECTORIES or not part or "\0" in part:
            raise InvalidPath(f"{target[:200]!r} would be hidden from scans")
        if len(os.fsencode(to_os_name(part))) > _MAX_NAME_BYTES:
            raise InvalidPath(f"a name has at most {_MAX_NAME_BYTES} bytes: {part[:80]!r}…")
    return checked_path(target)


def publish(arrival: Path, target: Path, root: Path) -> None:
    """
    Give the finished file its name, never taking the place of another.

    Raises:
        Conflict: The name is taken. InvalidPath: A folder is a link, which no scan follows. StorageUnavailable.
    """
    if any((root / folder).is_symlink() for folder in target.relative_to(root).parents[:-1]):
        raise InvalidPath("a link is no folder of the library: upload to the folder itself")
    existing = next(folder for folder in target.parents if folder.exists())
    if not is_directory_inside(root, existing):
        raise InvalidPath(f"{existing.name} is no folder, or leads out of the library")
    try:
        _make_folders(existing, target.parent)
        give_mode(arrival, mode_in(target.parent))
    except OSError as exc:
        raise StorageUnavailable(f"the folder cannot be made: {exc.strerror}") from exc
    try:
        _name(arrival, target)
    except FileExistsError as exc:
        raise Conflict(f"there is another file called {target.name}") from exc
    except OSError as exc:
        raise StorageUnavailable(f"the upload cannot be put in its place: {exc.strerror}") from exc


def _make_folders(existing: Path, wanted: Path) -> None:
    """As open as the folder they are in: a library is the person's, whatever our umask keeps private."""
    mode = stat.S_IMODE(existing.stat().st_mode)
    for folder in reversed([wanted, *wanted.parents][: len(wanted.relative_to(existing).parts)]):
        try:
            folder.mkdir()
        except FileExistsError:  # another upload was faster
            continue
        give_mode(folder, mode)


def nearest_folder(root: Path, rel_path: str) -> Path:
    """The folder of *rel_path*, or the closest one above it that exists inside *root*."""
    folder = root / to_os_name(rel_path)
    while folder != root and not is_directory_inside(root, folder):
        folder = folder.parent
    return folder


def _name(arrival: Path, target: Path) -> None:
    try:
        os.link(arrival, target)  # unlike a rename it fails where there is a file already
    except OSError as exc:
        if exc.errno == errno.EXDEV:
            _copy(arrival, target)
        elif exc.errno in _NO_LINKS:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # the name is ours now
            arrival.replace(target)
        else:
            raise


def _copy(arrival: Path, target: Path) -> None:
    """To another file system: a hidden copy there, then its name."""
    beside = target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    try:
        shutil.copy(arrival, beside)  # with its mode
        _name(beside, target)
    finally:
        beside.unlink(missing_ok=True)
