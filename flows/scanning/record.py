"""What a scan found, and how it is recorded: in an order that a kill cannot spoil, and only where something differs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from flows.engine.context import Library
from sql.lake import Lake, Row, utc_now
from tasks.files.moves import Move
from tasks.files.new_files import Classified, classify
from tasks.files.walk import Listing

SLICE_ROWS = 20_000  # newcomers classified and committed at a time: a first scan of a million stays small
_NEWCOMER = pa.schema(
    [("library_id", pa.int32()), ("rel_path", pa.string()), ("media_type", pa.string()), ("mime_type", pa.string()),
     ("size_bytes", pa.int64()), ("mtime_ns", pa.int64()), ("sidecar", pa.string()), ("sidecar_version", pa.string())]
)  # fmt: skip
_SEEN = pa.schema(
    [("asset_id", pa.int64()), ("rel_path", pa.string()), ("size_bytes", pa.int64()), ("mtime_ns", pa.int64()),
     ("sidecar", pa.string()), ("sidecar_version", pa.string()), ("inode", pa.uint64()), ("ctime_ns", pa.int64())]
)  # fmt: skip


@dataclass(slots=True)
class ScanDiff:
    """
    The differences between disk and lake, sorted by what they mean.

    Args:
        known: Assets that changed, came back or got another sidecar (rows of `sql/scan/differences.sql`).
        new: The same columns for paths the lake does not know: assets, moved assets, and files to skip.
        displaced: Ids of missing assets whose place a moved one has taken.
        gone: Ids of assets to mark missing (full scans only).
        moving: Paths somebody is still writing: left for the next scan.
    """

    listing: Listing
    full: bool
    known: list[Row]
    new: pa.Table
    moves: list[Move]
    displaced: list[int]
    gone: list[int]
    moving: set[str]

    @property
    def changed(self) -> int:
        return sum(row["difference"] == "changed" for row in self.known)

    @property
    def restored(self) -> int:
        return sum(row["difference"] == "restored" for row in self.known)

    def newcomers(self) -> Iterator[list[Row]]:
        """The new paths that are no moves, a slice at a time."""
        elsewhere = {move.rel_path for move in self.moves} | self.moving
        for start in range(0, self.new.num_rows, SLICE_ROWS):
            rows = self.new.slice(start, SLICE_ROWS).to_pylist()
            yield [row for row in rows if row["rel_path"] not in elsewhere]


class ScanRecorder:
    """
    Records in three steps: what is known of known assets, the newcomers, and last which folders were listed.

    A scan that is killed in between is simply repeated: the next one finds the differences that are left, and no folder
    counts as listed before its files are recorded.
    """

    def __init__(self, lake: Lake, library: Library, found: ScanDiff) -> None:
        self.lake, self.library, self.found = lake, library, found
        self.inserted = 0

    def record_known(self, moved_files: list[Row]) -> None:
        """
        Changed, restored, moved and missing assets, in one commit.

        Args:
            moved_files: Where the derivatives of moved assets are now (asset_id, kind, file).
        """
        found = self.found
        gone = found.gone if found.full else []
        if not (found.known or found.moves or gone):
            return
        counts = {"changed": found.changed, "moved": len(found.moves), "missing": len(gone),
                  "restored": found.restored}  # fmt: skip
        said = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "sidecars"
        with self.lake.write(f"{self._scan}: {said}") as writer:
            if found.known:
                with writer.using("seen", _table(found.known, _SEEN)):
                    writer.run("scan/update_assets")
            if found.displaced:
                with writer.using("displaced", pa.table({"asset_id": pa.array(found.displaced, pa.int64())})):
                    writer.run("scan/forget_displaced")
            if found.moves:
                with writer.using("seen", _table(self._moved_rows(), _SEEN)):
                    writer.run("scan/move_fingerprints")
                    writer.run("scan/update_assets")
                with writer.using("renamed", pa.table({"asset_id": pa.array(self._renamed(), pa.int64())})):
                    writer.run("scan/renamed_metadata")
            if moved_files:
                with writer.using("moved_file", pa.Table.from_pylist(moved_files)):
                    writer.run("scan/move_derivatives")
            if gone:
                with writer.using("gone", pa.table({"asset_id": pa.array(gone, pa.int64())})):
                    writer.run("scan/mark_missing", now=utc_now())

    def _moved_rows(self) -> list[Row]:
        asset_of = {move.rel_path: move.asset_id for move in self.found.moves}
        rows = self.found.new.filter(pc.is_in(self.found.new.column("rel_path"), pa.array(list(asset_of))))
        return [{**row, "asset_id": asset_of[row["rel_path"]]} for row in rows.to_pylist()]

    def _renamed(self) -> list[int]:
        return [move.asset_id for move in self.found.moves if _name(move.rel_path) != _name(move.old_rel_path)]

    def record_newcomers(self) -> None:
        """New assets and newly skipped files; one commit a slice."""
        for rows in self.found.newcomers():
            files = [classify(self.library.root, row) for row in rows]
            assets = [self._newcomer(file) for file in files if file.kind]
            skipped = self._not_known([self._skipped(file) for file in files if not file.kind])
            if not (assets or skipped):
                continue
            with self.lake.write(f"{self._scan}: {len(assets)} new") as writer:
                if assets:
                    with writer.using("newcomer", pa.Table.from_pylist(assets, schema=_NEWCOMER)):
                        first_id = writer.next_id("asset", "asset_id")
                        writer.run("scan/insert_assets", first_id=first_id, now=utc_now())
                    writer.delete("skipped_file", [_place(row) for row in assets])  # a link or a text until now
                writer.replace("skipped_file", skipped)
            self.inserted += len(assets)

    def _newcomer(self, file: Classified) -> Row:
        assert file.kind is not None
        return {
            **{name: file.row[name] for name in _NEWCOMER.names if name in file.row},
            "library_id": self.library.library_id,
            "media_type": file.kind.media_type,
            "mime_type": file.kind.mime_type,
        }

    def _skipped(self, file: Classified) -> Row:
        unread = file.reason == "unreadable"  # remembered with no version, so that the next scan looks again
        return {
            "library_id": self.library.library_id,
            "rel_path": file.row["rel_path"],
            "size_bytes": -1 if unread else file.row["size_bytes"],
            "mtime_ns": -1 if unread else file.row["mtime_ns"],
            "reason": file.reason,
        }

    def _not_known(self, skipped: list[Row]) -> list[Row]:
        """Without the unreadable ones that are on record already: they are looked at by every scan."""
        if not any(row["reason"] == "unreadable" for row in skipped):
            return skipped
        known = self.lake.rows("scan/unreadable_files", library_id=self.library.library_id)
        paths = {row["rel_path"] for row in known}
        return [row for row in skipped if row["reason"] != "unreadable" or row["rel_path"] not in paths]

    def record_walk(self, root_status: os.stat_result | None) -> None:
        """
        Which folders were listed when, links and special files, and (after a full scan) the root's identity.

        Args:
            root_status: Of the root, after a full scan; None after a quick one.
        """
        number, library = self.library.library_id, self.library
        listed, odd_files = {"listed": self._listed()}, {"odd": _odd(self.found.listing)}
        directories = self.lake.rows_using("scan/changed_directories", listed, library_id=number)
        odd = self.lake.rows_using("scan/new_odd", odd_files, library_id=number)
        gone_directories: list[Row] = []
        gone_skipped: list[Row] = []
        if self.found.full:
            gone_directories = self.lake.rows_using("scan/vanished_directories", listed, library_id=number)
            everything = {**odd_files, "listing": self.found.listing.files}
            gone_skipped = self.lake.rows_using("scan/vanished_skipped", everything, library_id=number)
        same_root = root_status is None or (library.device, library.inode) == (root_status.st_dev, root_status.st_ino)
        if same_root and not (directories or odd or gone_directories or gone_skipped):
            return
        with self.lake.write(f"{self._scan}: folders") as writer:
            writer.delete("skipped_file", gone_skipped)
            writer.replace("skipped_file", odd)
            writer.delete("directory", gone_directories)
            writer.replace("directory", directories)
            if root_status is not None and not same_root:
                writer.run("scan/library_root", library_id=number, device=root_status.st_dev, inode=root_status.st_ino)

    def _listed(self) -> pa.Table:
        """The folders listed; those with a file still being written are listed again next time (mtime 0)."""
        directories = self.found.listing.directories
        restless = {path.rpartition("/")[0] for path in self.found.moving}
        if not restless:
            return directories
        rows = directories.to_pylist()
        return _table(
            [{**row, "mtime_ns": 0 if row["rel_path"] in restless else row["mtime_ns"]} for row in rows],
            directories.schema,
        )

    @property
    def _scan(self) -> str:
        return f"{'full' if self.found.full else 'quick'} scan of {self.library.name}"


def _table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row[name] for name in schema.names} for row in rows], schema=schema)


def _odd(listing: Listing) -> pa.Table:
    return pa.table(
        {
            "rel_path": pa.array([rel_path for rel_path, _ in listing.odd], pa.string()),
            "reason": pa.array([reason for _, reason in listing.odd], pa.string()),
        }
    )


def _place(row: Row) -> Row:
    return {"library_id": row["library_id"], "rel_path": row["rel_path"]}


def _name(rel_path: str) -> str:
    return rel_path.rpartition("/")[2]
