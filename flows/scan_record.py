"""What a scan found, and its one commit."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pyarrow as pa

from flows.house import Library
from sql.lake import Lake, Row, Writer, utc_now
from tasks.moves import Move
from tasks.newcomers import Classified
from tasks.walk import Listing

_NEWCOMER = pa.schema(
    [("library_id", pa.int32()), ("rel_path", pa.string()), ("media_type", pa.string()), ("mime_type", pa.string()),
     ("size_bytes", pa.int64()), ("mtime_ns", pa.int64()), ("sidecar", pa.string()), ("sidecar_version", pa.string())]
)  # fmt: skip
_SEEN = pa.schema(
    [("asset_id", pa.int64()), ("rel_path", pa.string()), ("size_bytes", pa.int64()), ("mtime_ns", pa.int64()),
     ("sidecar", pa.string()), ("sidecar_version", pa.string())]
)  # fmt: skip


@dataclass(slots=True)
class Found:
    """
    The differences between disk and lake, sorted by what they mean.

    Args:
        known: Assets that changed, came back or got another sidecar (rows of `sql/scan/differences.sql`).
        newcomers: New assets. `moved_rows`: the listed rows of those that turned out to have moved, by path.
        gone: Ids of assets to mark missing (full scans only). `moving`: paths somebody is still writing.
    """

    listing: Listing
    full: bool
    known: list[Row]
    newcomers: list[Classified]
    moved_rows: dict[str, Row]
    skipped: list[Classified]
    moves: list[Move]
    gone: list[int]
    moving: set[str]

    @property
    def changed(self) -> int:
        return sum(row["difference"] == "changed" for row in self.known)

    @property
    def restored(self) -> int:
        return sum(row["difference"] == "restored" for row in self.known)


def record_scan(
    lake: Lake, library: Library, found: Found, root_status: os.stat_result | None, moved_files: list[Row]
) -> None:
    """
    All of a scan in one commit, or none of it; no commit where nothing differs.

    Args:
        root_status: Remembered as the root's identity; None after a quick scan.
        moved_files: Where the derivatives of moved assets are now (asset_id, kind, file).
    """
    listed = _remembered(found)
    odd = pa.table(
        {
            "rel_path": pa.array([rel_path for rel_path, _ in found.listing.odd], pa.string()),
            "reason": pa.array([reason for _, reason in found.listing.odd], pa.string()),
        }
    )
    views = {"listed": listed, "listing": found.listing.files, "odd": odd}
    number = library.library_id
    directories = lake.rows_using("scan/changed_directories", views, library_id=number)
    skipped = [_skipped(library, file) for file in found.skipped] + lake.rows_using(
        "scan/new_odd", views, library_id=number
    )
    no_directories = lake.rows_using("scan/vanished_directories", views, library_id=number) if found.full else []
    no_skipped = lake.rows_using("scan/vanished_skipped", views, library_id=number) if found.full else []
    other_root = root_status is not None and (library.device, library.inode) != (root_status.st_dev, root_status.st_ino)
    if not any(
        [found.known, found.newcomers, found.moves, found.gone, directories, skipped, no_directories, no_skipped,
         other_root]
    ):  # fmt: skip
        return
    with lake.write(_message(library, found)) as writer:
        _record_known(writer, found)
        _record_moves(writer, found, moved_files)
        _record_newcomers(writer, library, found)
        _record_gone(writer, found)
        writer.delete("skipped_file", no_skipped)
        writer.replace("skipped_file", skipped)
        writer.delete("directory", no_directories)
        writer.replace("directory", directories)
        if root_status is not None and other_root:
            writer.run("scan/library_root", library_id=number, device=root_status.st_dev, inode=root_status.st_ino)


def _message(library: Library, found: Found) -> str:
    counts = {"new": len(found.newcomers), "changed": found.changed, "moved": len(found.moves),
              "missing": len(found.gone), "restored": found.restored}  # fmt: skip
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "folders"
    return f"{'full' if found.full else 'quick'} scan of {library.name}: {said}"


def _remembered(found: Found) -> pa.Table:
    """The directories listed; those with a file still being written are listed again next time (mtime 0)."""
    if not found.moving:
        return found.listing.directories
    restless = {path.rpartition("/")[0] for path in found.moving}
    names = found.listing.directories.column("rel_path").to_pylist()
    mtimes = found.listing.directories.column("mtime_ns").to_pylist()
    return pa.table(
        [names, [0 if name in restless else mtime for name, mtime in zip(names, mtimes, strict=True)]],
        schema=found.listing.directories.schema,
    )


def _skipped(library: Library, file: Classified) -> Row:
    unread = file.reason == "unreadable"  # remembered with no version, so that the next scan looks again
    return {
        "library_id": library.library_id,
        "rel_path": file.row["rel_path"],
        "size_bytes": -1 if unread else file.row["size_bytes"],
        "mtime_ns": -1 if unread else file.row["mtime_ns"],
        "reason": file.reason,
    }


def _record_known(writer: Writer, found: Found) -> None:
    if found.known:
        rows = [{name: row[name] for name in _SEEN.names} for row in found.known]
        with writer.using("seen", pa.Table.from_pylist(rows, schema=_SEEN)):
            writer.run("scan/update_assets")


def _record_moves(writer: Writer, found: Found, moved_files: list[Row]) -> None:
    if not found.moves:
        return
    rows = [{**found.moved_rows[move.rel_path], "asset_id": move.asset_id} for move in found.moves]
    with writer.using("seen", pa.Table.from_pylist([{n: row[n] for n in _SEEN.names} for row in rows], schema=_SEEN)):
        writer.run("scan/move_fingerprints")
        writer.run("scan/update_assets")
    renamed = [
        move.asset_id
        for move in found.moves
        if move.rel_path.rpartition("/")[2] != move.old_rel_path.rpartition("/")[2]
    ]
    with writer.using("renamed", pa.table({"asset_id": pa.array(renamed, pa.int64())})):
        writer.run("scan/renamed_metadata")
    if moved_files:
        with writer.using("moved_file", pa.Table.from_pylist(moved_files)):
            writer.run("scan/move_derivatives")


def _record_newcomers(writer: Writer, library: Library, found: Found) -> None:
    if not found.newcomers:
        return
    rows = [
        {
            **{name: file.row[name] for name in _NEWCOMER.names if name in file.row},
            "library_id": library.library_id,
            "media_type": file.kind.media_type if file.kind else None,
            "mime_type": file.kind.mime_type if file.kind else None,
        }
        for file in found.newcomers
    ]
    with writer.using("newcomer", pa.Table.from_pylist(rows, schema=_NEWCOMER)):
        writer.run("scan/insert_assets", first_id=writer.next_id("asset", "asset_id"), now=utc_now())


def _record_gone(writer: Writer, found: Found) -> None:
    if found.full and found.gone:
        with writer.using("gone", pa.table({"asset_id": pa.array(found.gone, pa.int64())})):
            writer.run("scan/mark_missing", now=utc_now())
