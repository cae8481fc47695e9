"""Telling a library that its folder moved: a new disk, a new mount point. Numbers, addresses and thumbnails stay."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from flows.admin.libraries import file_size
from flows.admin.library_removal import nobody_at_work, one_library
from flows.engine.context import FlowContext, Library
from flows.scanning.scan_library import refuse_mixed_folders
from tasks.batches.ingest import open_original
from tasks.errors import Conflict, LibraryLost
from tasks.files.hashing import hash_stream
from tasks.files.names import to_os_name, to_text
from tasks.files.walk import walk

HASHED_FILES = 30  # of those that are there
HASHED_BYTES = 2 << 30
MIN_THERE_PERCENT = 80


@dataclass(slots=True)
class LibraryMoveReport:
    """
    How the new folder compares with what is known.

    Args:
        there: Files of the same path and size. other_size: of the same path alone. missing: known, and not there.
        new: There, and not known. hashed, other_bytes: of a sample of those that are there.
    """

    library: str
    old_root: str
    new_root: str
    dry_run: bool
    there: int
    other_size: int
    missing: int
    new: int
    hashed: int
    other_bytes: int

    @property
    def is_the_same(self) -> bool:
        known = self.there + self.other_size + self.missing
        return not self.other_bytes and 100 * self.there >= MIN_THERE_PERCENT * known

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.there:,} files of {self.library} are there, {self.missing:,} are missing, "
            f"{self.other_size:,} have another size, {self.new:,} are new; "
            f"of {self.hashed:,} that were read, {self.other_bytes:,} have other bytes"
        )


def move_library(
    context: FlowContext, wanted: str, new_root: Path, *, dry_run: bool = False, force: bool = False
) -> LibraryMoveReport:
    """
    Have a library lie at *new_root* from now on.

    Args:
        wanted: Its name or number.
        force: Also where the folder does not look like the same collection.
    Raises:
        UnknownLibrary. LibraryLost: There is no such folder. Conflict: It is another collection (the message has the
        numbers), or another library's, or BASE_PATH names the old one. TransientError: A scan or drain is at work.
    """
    library = one_library(context, wanted)
    new_root = new_root.expanduser()
    new_root = new_root.resolve() if ".." in new_root.parts else new_root.absolute()
    if not new_root.is_dir():
        raise LibraryLost(f"there is no folder {new_root}")
    _refuse_what_is_taken(context, library, new_root)
    report = _compare(context, library, new_root, dry_run=dry_run)
    if not report.is_the_same and not force:
        raise Conflict(f"{new_root} is not the same collection: {report}. Nothing was changed; --force moves it there")
    if not dry_run:
        status = new_root.stat()
        with (
            nobody_at_work(context, library),
            context.lake.write(f"library {library.name} moved to {new_root}") as writer,
        ):
            writer.run(
                "libraries/move_root", library_id=library.library_id, root_path=to_text(str(new_root)),
                device=status.st_dev, inode=status.st_ino,
            )  # fmt: skip
    return report


def _refuse_what_is_taken(context: FlowContext, library: Library, new_root: Path) -> None:
    base = context.settings.base_path
    if base is not None and base == library.root:
        raise Conflict(f"BASE_PATH names {base}: unset it first, or the next command makes a library there again")
    real = Path(os.path.realpath(new_root))
    for other in context.libraries():
        known = Path(os.path.realpath(other.root))
        if other.library_id == library.library_id and new_root == library.root:
            raise Conflict(f"the library {library.name} is at {new_root} already")
        if other.library_id != library.library_id and (real.is_relative_to(known) or known.is_relative_to(real)):
            raise Conflict(f"{new_root} and the library {other.name} at {other.root} contain each other")
    refuse_mixed_folders(context, replace(library, root=new_root))


def _compare(context: FlowContext, library: Library, new_root: Path, *, dry_run: bool) -> LibraryMoveReport:
    number, listing = library.library_id, walk(new_root, context.settings.scan_excluded_dirs)
    counts = context.lake.rows_using("libraries/compare_root", {"listing": listing.files}, library_id=number)[0]
    hashed = other_bytes = 0
    left = HASHED_BYTES
    for row in context.lake.rows("libraries/sampled_files", library_id=number, row_limit=HASHED_FILES):
        is_there = file_size(new_root, row["rel_path"]) == row["size_bytes"]
        if not is_there or row["content_hash"] is None or row["size_bytes"] > left:
            continue
        left -= row["size_bytes"]
        hashed += 1
        other_bytes += _hash(new_root / to_os_name(row["rel_path"])) != row["content_hash"]
    return LibraryMoveReport(
        library.name, str(library.root), str(new_root), dry_run, hashed=hashed, other_bytes=other_bytes, **counts
    )


def _hash(path: Path) -> str:
    """Raises LibraryLost."""
    try:
        with open_original(path) as file:
            return hash_stream(file)
    except OSError as exc:
        raise LibraryLost(f"{path} cannot be read: {exc.strerror}") from exc
