"""
Walk a library: what is on disk, as Arrow tables that one SQL statement compares with the lake.

Polling only, since libraries live on NFS. A directory that cannot be listed is reported, so that nothing in it is
taken for missing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pyarrow as pa

from tasks.faces.picasa import FILE_NAMES as PICASA_FILES
from tasks.files.names import to_os_name, to_text
from tasks.metadata.xmp import find_sidecar

FILE_COLUMNS = pa.schema(
    [
        ("rel_path", pa.string()),
        ("size_bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("sidecar", pa.string()),
        ("sidecar_version", pa.string()),
        ("inode", pa.uint64()),
        ("ctime_ns", pa.int64()),
    ]
)
DIRECTORY_COLUMNS = pa.schema([("rel_path", pa.string()), ("mtime_ns", pa.int64())])
SKIPPED_DIRECTORIES = frozenset(
    {"@eaDir", "@Recycle", "#recycle", "#snapshot", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
)
SKIPPED_FILES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
RACY_NS = 2_000_000_000  # a directory changed this recently may change again within the same timestamp
_CHUNK_ROWS = 50_000


@dataclass(slots=True)
class Listing:
    """
    What a walk saw.

    Args:
        files: One row per regular file (FILE_COLUMNS), also those that are no media.
        directories: One row per directory listed; mtime 0 where the next quick scan must list it again.
        odd: (rel_path, reason) of what is no regular file of this library: symlink, special.
        unreadable: (rel_path, message) of directories that could not be listed.
    """

    files: pa.Table = field(default_factory=FILE_COLUMNS.empty_table)
    directories: pa.Table = field(default_factory=DIRECTORY_COLUMNS.empty_table)
    odd: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def walk(root: Path, excluded: Iterable[str] = ()) -> Listing:
    """
    List everything under *root*.

    Args:
        excluded: Directories left out: `/from/root`, or a bare `name` anywhere.
    """
    walker = _Walker(root, excluded)
    walker.descend([""])
    return walker.listing()


def walk_changed(root: Path, known: pa.Table, excluded: Iterable[str] = ()) -> Listing:
    """
    List only the directories whose mtime differs from what *known* (DIRECTORY_COLUMNS) remembers.

    Directories that are new inside them are walked whole. Vanished ones are left to the full scan.
    """
    names = known.column("rel_path").to_pylist()
    remembered = dict(zip(names, known.column("mtime_ns").to_pylist(), strict=True))
    base = os.fspath(root)
    changed = [
        name
        for name, mtime_ns in remembered.items()
        if _mtime(os.path.join(base, to_os_name(name))) not in {mtime_ns, 0}
    ]
    if "" not in remembered:
        changed = [""]
    walker = _Walker(root, excluded)
    walker.descend(changed, stop_at=remembered.keys())
    return walker.listing()


def _mtime(path: str) -> int:
    """0 for a directory that is gone or out of reach."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


class _Walker:
    def __init__(self, root: Path, excluded: Iterable[str]) -> None:
        self.root = os.fspath(root)
        self.real_root = os.path.realpath(self.root)
        entries = list(excluded)
        self.excluded_names = SKIPPED_DIRECTORIES | {
            entry.rstrip("/") for entry in entries if not entry.startswith("/")
        }
        self.excluded_paths = {entry.strip("/") for entry in entries if entry.startswith("/")}
        self.batches: list[pa.RecordBatch] = []
        self.rel_paths: list[str] = []
        self.sizes: list[int] = []
        self.mtimes: list[int] = []
        self.inodes: list[int] = []
        self.ctimes: list[int] = []
        self.sidecars: dict[int, tuple[str, str]] = {}  # row to the name and version of its sidecar: few have one
        self.directories: list[tuple[str, int]] = []
        self.odd: list[tuple[str, str]] = []
        self.unreadable: list[tuple[str, str]] = []

    def descend(self, start: Iterable[str], stop_at: Iterable[str] = ()) -> None:
        """List the directories *start* (Unicode, relative) and all below, but for those in *stop_at*."""
        skip = frozenset(stop_at)
        stack = [to_os_name(name) for name in start]
        while stack:
            rel_path = stack.pop()
            stack += [child for child in self._list(rel_path) if to_text(child) not in skip]

    def _list(self, rel_path: str) -> list[str]:
        """Take the files of one directory; returns its sub-directories. Names as the operating system spells them."""
        path = os.path.join(self.root, rel_path)
        try:
            mtime_ns = os.stat(path).st_mtime_ns
            with os.scandir(path) as entries:
                found = list(entries)
        except OSError as exc:
            self.unreadable.append((to_text(rel_path), exc.strerror or str(exc)))
            return []
        racy = time.time_ns() - mtime_ns < RACY_NS
        self.directories.append((to_text(rel_path), 0 if racy else mtime_ns))
        return list(self._take(found, f"{rel_path}/" if rel_path else ""))

    def _take(self, entries: list[os.DirEntry[str]], prefix: str) -> Iterator[str]:
        first_row, sidecars = len(self.rel_paths), []
        text_prefix = to_text(prefix)
        for entry in entries:
            name = entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    if not self._is_excluded(name, prefix):
                        yield prefix + name
                    continue
                if not entry.is_file(follow_symlinks=False) and not self._is_file_inside(entry, prefix):
                    continue
                status = entry.stat()
            except OSError as exc:  # gone since it was listed, or a disk error: nothing is known of it
                self.unreadable.append((to_text(prefix + name), exc.strerror or str(exc)))
                continue
            if name.endswith((".xmp", ".XMP", ".Xmp")) or name in PICASA_FILES:
                sidecars.append(name)
            self.rel_paths.append(text_prefix + (name if name.isascii() else to_text(name)))
            self.sizes.append(status.st_size)
            self.mtimes.append(status.st_mtime_ns)
            self.inodes.append(status.st_ino)
            self.ctimes.append(status.st_ctime_ns)
        if sidecars:
            self._pair_sidecars(first_row, sidecars, text_prefix)
        if len(self.rel_paths) >= _CHUNK_ROWS:
            self._close_batch()

    def _is_excluded(self, name: str, prefix: str) -> bool:
        return name.startswith(".") or name in self.excluded_names or prefix + name in self.excluded_paths

    def _is_file_inside(self, entry: os.DirEntry[str], prefix: str) -> bool:
        """A link to a file inside the library is a file; other links, pipes, sockets and devices are not."""
        if entry.is_symlink():
            target = os.path.realpath(entry.path)
            if target.startswith(os.path.join(self.real_root, "")) and os.path.isfile(target):
                return True
        self.odd.append((to_text(prefix + entry.name), "symlink" if entry.is_symlink() else "special"))
        return False

    def _pair_sidecars(self, first_row: int, sidecars: list[str], text_prefix: str) -> None:
        """
        Find each file of the directory just taken its XMP sidecar.

        A `.picasa.ini` describes all of them: its version is part of everybody's, so that all are read again when it
        changes.
        """
        names = [rel_path[len(text_prefix) :] for rel_path in self.rel_paths[first_row:]]
        versions = {name: f"{self.sizes[row]}-{self.mtimes[row]}" for row, name in enumerate(names, start=first_row)}
        candidates = frozenset(map(to_text, sidecars))  # a set: thousands of RAW+XMP pairs lie in one folder
        of_all = "".join(f" picasa {versions[name]}" for name in PICASA_FILES if name in candidates)
        for row, name in enumerate(names, start=first_row):
            sidecar = find_sidecar(PurePosixPath(name), candidates) if name not in candidates else None
            if sidecar:
                self.sidecars[row] = (sidecar, versions[sidecar] + of_all)
            elif of_all:
                self.sidecars[row] = ("", of_all.strip())

    def _close_batch(self) -> None:
        rows = range(len(self.rel_paths))
        nothing = ("", "")
        sidecars = [self.sidecars.get(row, nothing) for row in rows] if self.sidecars else [nothing] * len(rows)
        columns = [self.rel_paths, self.sizes, self.mtimes, [name for name, _ in sidecars], [v for _, v in sidecars],
                   self.inodes, self.ctimes]  # fmt: skip
        self.batches.append(pa.record_batch(columns, schema=FILE_COLUMNS))
        for column in (self.rel_paths, self.sizes, self.mtimes, self.inodes, self.ctimes, self.sidecars):
            column.clear()

    def listing(self) -> Listing:
        self._close_batch()
        rel_paths, mtimes = zip(*self.directories, strict=True) if self.directories else ((), ())
        return Listing(
            files=pa.Table.from_batches(self.batches, schema=FILE_COLUMNS),
            directories=pa.table([list(rel_paths), list(mtimes)], schema=DIRECTORY_COLUMNS),
            odd=self.odd,
            unreadable=self.unreadable,
        )


def skip_reason(name: str) -> str | None:
    """Why a file of this name is never an asset; None when its name or content must decide."""
    if name.startswith("."):
        return "hidden"
    return "not_media" if name.lower() in SKIPPED_FILES else None
