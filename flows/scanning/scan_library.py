"""
One scan of one library: walk, compare with the lake in SQL, record what differs, then read what is new.

A full scan sees everything and is the only one that may find a file missing. Nothing is marked missing when the root
is gone, empty or another directory, or when too much of it is (the mass-loss brake).
"""

from __future__ import annotations

import os
import shlex
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from flows.engine.context import FlowContext, Library
from flows.engine.drain import DrainReport, drain
from flows.scanning.record import ScanDiff, ScanRecorder
from flows.work.verification import verify_suspects
from sql.lake import Row
from tasks.batches.ingest import HASH_TOOL, ingest_files
from tasks.errors import IntegrityError, LibraryLost
from tasks.files.derivatives import FILE_OF, on_disk
from tasks.files.moves import Move, find_moves, move_derivative
from tasks.files.new_files import still_being_written
from tasks.files.walk import Listing, walk, walk_changed

MAX_LOSS_FILES = 50  # a library may lose this many, whatever the percentage


@dataclass(slots=True)
class ScanReport:
    """The numbers of one scan; `found` and `skipped` are what the library holds afterwards."""

    library: str
    kind: str
    found: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    missing: int = 0
    restored: int = 0
    skipped: int = 0
    failed: int = 0
    thumbnails: int = 0
    waiting: int = 0  # still being written: left for the next scan
    busy: bool = False
    seconds: float = 0.0
    unreadable: list[str] = field(default_factory=list)
    drains: dict[str, dict[str, Any]] = field(default_factory=dict)
    contact_sheet: list[bytes] = field(default_factory=list)

    def add_drain(self, report: DrainReport) -> None:
        self.drains[report.stage] = report.numbers()
        self.failed += report.failed
        self.thumbnails += report.counts.get("thumbnails", 0)
        self.contact_sheet = (self.contact_sheet + report.contact_sheet)[:24]

    @property
    def did_something(self) -> bool:
        return bool(self.new or self.changed or self.moved or self.missing or self.restored or self.drains)


def scan_library(context: FlowContext, library: Library, *, full: bool, accept_loss: bool = False) -> ScanReport:
    """
    Scan one library and read what is new in it.

    Returns:
        `busy` when another process is scanning it right now: then that one's result is ours.
    Raises:
        LibraryLost: The brake: nothing was marked; the message has the numbers and the way on.
    """
    with context.lake.exclusive(f"scan-{library.library_id}") as alone:
        if not alone:
            report = ScanReport(library.name, "full" if full else "quick", busy=True)
            _count(context, library, report)
            return report
        started = time.monotonic()
        report = ScanReport(library.name, "full" if full else "quick")
        looking = context.progress()
        looking.start("changes", 0)  # over a network, a minute without a word otherwise
        find_changes(context, library, report, full=full, accept_loss=accept_loss)
        looking.finish()
        ingest = partial(ingest_files, plan=context.ingest_plan())
        ingested = drain(context, "hash", ingest, library=library.name, tool_version=HASH_TOOL)
        if ingested.done or ingested.failed:
            report.add_drain(ingested)
        report.waiting += ingested.left
        report.seconds = round(time.monotonic() - started, 3)
        return report


def find_changes(context: FlowContext, library: Library, report: ScanReport, *, full: bool, accept_loss: bool) -> None:
    """Walk, compare, record: afterwards the lake knows every file's place, size and time."""
    status = _root_status(library)
    refuse_mixed_folders(context, library)
    if not full and _is_another_root(library, status):
        report.unreadable = ["the root is another folder than last time: a full scan has to look at it first"]
        _count(context, library, report)
        return
    listing = _list(context, library, full=full)
    report.unreadable = [f"{rel_path or '.'}: {message}" for rel_path, message in listing.unreadable]
    if full or listing.directories.num_rows:
        found = _compare(context, library, listing, full=full)
        if full:
            _brake(context, library, status, found, accept_loss=accept_loss)
        files = [file for move in found.moves for file in _move_files(context, library, move)]
        recorder = ScanRecorder(context.lake, library, found)
        recorder.record_known(files)
        recorder.record_newcomers()
        recorder.record_walk(status if full else None)
        replaced = verify_suspects(context, library, listing).replaced
        report.new, report.changed = recorder.inserted, found.changed + replaced
        report.moved, report.missing = len(found.moves), len(found.gone)
        report.restored, report.waiting = found.restored, len(found.moving)
    _count(context, library, report)


def _count(context: FlowContext, library: Library, report: ScanReport) -> None:
    holds = context.lake.rows("scan/counts", library_id=library.library_id)[0]
    report.found, report.skipped = holds["found"], holds["skipped"]


def _is_another_root(library: Library, status: os.stat_result) -> bool:
    return library.inode is not None and (library.device, library.inode) != (status.st_dev, status.st_ino)


def refuse_mixed_folders(context: FlowContext, library: Library) -> None:
    """
    Derivatives never lie among originals: they would take their names, or be scanned as photos.

    Raises:
        IntegrityError: A derivative folder is the library, lies in it where scans look, or around it.
    """
    settings, root = context.settings, library.root.resolve()
    for name in ("thumbnails", "video", "previews", "gifs"):
        folder: Path = getattr(settings, f"{name}_folder").resolve()
        inside = folder.is_relative_to(root) and not any(
            part.startswith(".") for part in folder.relative_to(root).parts
        )
        if inside or root.is_relative_to(folder):
            raise IntegrityError(
                f"the folder for {name}, {folder}, and the library {library.name} at {root} contain each other; "
                "give it a place of its own"
            )


def _root_status(library: Library) -> os.stat_result:
    try:
        status = library.root.stat()
        with os.scandir(library.root):
            return status
    except OSError as exc:
        raise LibraryLost(
            f"the library {library.name} at {library.root} cannot be read ({exc.strerror}); nothing was marked "
            "missing. Mount or reconnect it and scan again"
        ) from exc


def _list(context: FlowContext, library: Library, *, full: bool) -> Listing:
    excluded = context.settings.scan_excluded_dirs
    if full:
        return walk(library.root, excluded)
    return walk_changed(library.root, context.lake.table("scan/directories", library_id=library.library_id), excluded)


def _compare(context: FlowContext, library: Library, listing: Listing, *, full: bool) -> ScanDiff:
    differences = context.lake.table_using(
        "scan/differences",
        {"listing": listing.files, "unreadable": _prefixes(listing)},
        library_id=library.library_id,
        full=full,
    )
    kind = differences.column("difference")
    gone = differences.filter(pc.equal(kind, "vanished")).column("asset_id").to_pylist()
    known = differences.filter(pc.invert(pc.is_in(kind, pa.array(["new", "vanished"])))).to_pylist()
    moving = still_being_written(library.root, differences, context.settings.scan_settle_seconds)
    arrivals = differences.filter(pc.or_(pc.equal(kind, "new"), pc.fill_null(differences["is_another_version"], False)))
    found = _find_moves(context, library, arrivals, set(gone), full=full)
    moves = [move for move in found if move.rel_path not in moving]
    moved_ids, moved_to = {move.asset_id for move in moves}, {move.rel_path for move in moves}
    moves.sort(
        key=lambda move: move.old_rel_path not in moved_to
    )  # who gives way first: its files would be overwritten
    return ScanDiff(
        listing=listing,
        full=full,
        known=[row for row in known if row["rel_path"] not in moving | moved_to],
        new=arrivals.filter(
            pc.or_(pc.equal(arrivals["difference"], "new"), pc.is_in(arrivals["rel_path"], _texts(moved_to)))
        ),
        displaced=[
            row["asset_id"] for row in known if row["rel_path"] in moved_to and row["asset_id"] not in moved_ids
        ],
        moves=moves,
        gone=[asset_id for asset_id in gone if asset_id not in moved_ids],
        moving=moving,
    )


def _texts(values: set[str]) -> pa.Array:
    return pa.array(sorted(values), pa.string())


def _prefixes(listing: Listing) -> pa.Table:
    """What lies below a directory that could not be listed; a name that could not be looked at counts as one."""
    prefixes = [rel_path for rel_path, _ in listing.unreadable]
    return pa.table({"prefix": pa.array([*prefixes], pa.string())})


def _find_moves(context: FlowContext, library: Library, new: pa.Table, gone: set[int], *, full: bool) -> list[Move]:
    if not new.num_rows:
        return []
    tables = {"newcomer": new, "gone": pa.table({"asset_id": pa.array(sorted(gone), pa.int64())})}
    candidates = context.lake.rows_using("scan/move_candidates", tables, library_id=library.library_id, full=full)
    return find_moves(library.root, new, candidates, gone, look=not full)


def _move_files(context: FlowContext, library: Library, move: Move) -> list[Row]:
    """Rename the mirrored derivatives of a moved asset; the rows that say where they are now."""
    moved = []
    for kind, file_of in FILE_OF.items():
        old, new = file_of(library.library_id, move.old_rel_path), file_of(library.library_id, move.rel_path)
        folder = context.folder_of(kind)
        if move_derivative(on_disk(folder, old), on_disk(folder, new), folder):
            moved.append({"asset_id": move.asset_id, "kind": kind, "file": new})
    return moved


def _brake(
    context: FlowContext, library: Library, status: os.stat_result, found: ScanDiff, *, accept_loss: bool
) -> None:
    """Stop before a library that is not there is taken for one that was emptied."""
    lost = len(found.gone)
    if accept_loss or not lost:
        return
    present = int(context.lake.rows("scan/counts", library_id=library.library_id)[0]["found"])
    where = f"the library {library.name} at {library.root}"
    way_on = f"Nothing was marked. If that is right, run: darkroom scan --accept-loss {shlex.quote(str(library.root))}"
    if found.listing.files.num_rows == 0:
        raise LibraryLost(f"{where} is empty, but {present:,} files are known in it: is it mounted? {way_on}")
    if _is_another_root(library, status):
        raise LibraryLost(
            f"{where} is another folder than last time, and {lost:,} of {present:,} files are not in it: "
            f"is the right disk mounted? {way_on}"
        )
    percent = 100 * lost / max(present, 1)
    if lost > MAX_LOSS_FILES and percent > context.settings.scan_max_loss_percent:
        raise LibraryLost(f"{where} lost {lost:,} of {present:,} files ({percent:.0f} %). {way_on}")
