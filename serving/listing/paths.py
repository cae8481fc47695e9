"""Paths from clients: Unicode, relative to a library, never out of it. Only what the catalog knows is ever opened."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from serving.replica.snapshot import ReplicaSnapshot
from sql.lake import Row
from tasks.errors import InvalidPath, NotFound, StorageUnavailable, UnknownLibrary
from tasks.files.names import to_os_name

MAX_PATH_CHARACTERS = 8192
_DRIVE = re.compile(r"[A-Za-z]:(/|$)")


def checked_path(text: str, *, folder: bool = False) -> str:
    """
    *text* if it can be a path inside a library; Windows spellings of leaving it are seen through, encoded ones too.

    Args:
        folder: '', '.' and '/' mean the root, and a slash at the end is forgiven. Nothing is written below it, so that
            a percent sign in it is only a percent sign: HTTP has decoded it once, as often as it was encoded.
    Raises:
        InvalidPath: Empty, absolute, with `..`, a drive letter or a NUL.
    """
    if folder:
        text = text.rstrip("/")
        if text in {"", "."}:
            return ""
    if not text or len(text) > MAX_PATH_CHARACTERS:
        raise InvalidPath("a path relative to the library is needed")
    for spelling in [text.replace("\\", "/")] if folder else _spellings(text):
        if "\0" in spelling or spelling.startswith("/") or _DRIVE.match(spelling) or ".." in spelling.split("/"):
            raise InvalidPath(f"not a path inside a library: {text[:200]!r}")
    return text


def _spellings(text: str) -> Iterator[str]:
    """As written, and percent-decoded once more, twice more, …; always with forward slashes."""
    for _ in range(4):
        yield text.replace("\\", "/")
        decoded = unquote(text)
        if decoded == text:
            return
        text = decoded


def chosen_library(copy: ReplicaSnapshot, text: str | None) -> Row | None:
    """
    The library of this number or name; None for None: all of them.

    Raises:
        UnknownLibrary: There is none.
    """
    if text is None or text == "":
        return None
    for row in copy.libraries:
        if text in {row["name"], str(row["library_id"])}:
            return row
    raise UnknownLibrary(text[:200])


def library_id_of(copy: ReplicaSnapshot, text: str | None) -> int | None:
    library = chosen_library(copy, text)
    return int(library["library_id"]) if library else None


def primary_library(copy: ReplicaSnapshot, text: str | None) -> Row:
    """The library to write to: the one named, else the first."""
    library = chosen_library(copy, text)
    if library is None and not copy.libraries:
        raise NotFound("there is no library yet: `darkroom scan DIR` makes one")
    return library or copy.libraries[0]


def find_asset(copy: ReplicaSnapshot, path: str, library: str | None) -> Row:
    """
    The asset at *path*, in the library named or the first that has it.

    A path is tried as given: what the catalog lists is found, whatever it is called (`a%00b.jpg`, `x..%2fy.jpg`). Then
    with forward slashes, then in any Unicode normalisation.

    Raises:
        InvalidPath, UnknownLibrary.
        NotFound: The catalog has no photo or video there.
    """
    library_id = library_id_of(copy, library)
    if "\0" not in path and (found := copy.rows("listing/asset_by_path", path=path, library_id=library_id)):
        return found[0]
    text = checked_path(path)
    for spelling in dict.fromkeys([text, text.replace("\\", "/"), unicodedata.normalize("NFC", text)]):
        if found := copy.rows("listing/asset_by_path", path=spelling, library_id=library_id):
            return found[0]
    if not text.isascii() and (found := copy.rows("listing/asset_by_any_spelling", path=text, library_id=library_id)):
        return found[0]
    raise NotFound(f"there is no photo or video at {text[:500]}")


def library_root(copy: ReplicaSnapshot, library_id: int) -> Path:
    for row in copy.libraries:
        if row["library_id"] == library_id:
            return Path(to_os_name(row["root_path"]))
    raise NotFound(f"there is no library {library_id}")


def original_on_disk(copy: ReplicaSnapshot, asset: Row) -> Path:
    """
    The original, with symbolic links followed.

    Raises:
        InvalidPath: A link leads out of the library.
        NotFound: It is gone. StorageUnavailable: The whole library is.
    """
    root = library_root(copy, asset["library_id"])
    try:
        real_root = root.resolve(strict=True)
    except (OSError, RuntimeError) as exc:
        raise StorageUnavailable("the library's folder is not there: mount or reconnect it") from exc
    try:
        target = (real_root / to_os_name(asset["path"])).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as exc:
        raise NotFound(f"{asset['path']} is no longer there; the next full scan will mark it missing") from exc
    if not target.is_relative_to(real_root):
        raise InvalidPath(f"{asset['path']} leads out of the library")
    if not target.is_file():
        raise NotFound(f"{asset['path']} is no file any more")
    return target


def is_folder(library: Row, folder: str) -> bool:
    """Whether the library has this folder on disk, inside its root."""
    root = Path(to_os_name(library["root_path"]))
    return is_directory_inside(root, root / to_os_name(folder))


def is_directory_inside(root: Path, path: Path) -> bool:
    """Links followed; a name the file system cannot have is no directory."""
    try:
        return path.is_dir() and path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):
        return False
