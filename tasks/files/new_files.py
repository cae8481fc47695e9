"""What a file that the lake does not know is: an asset, or one of the reasons why not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tasks.asset import Row
from tasks.batches.ingest import open_original
from tasks.errors import UnreadableFile
from tasks.files.media_types import HEAD_BYTES, MediaKind, by_name, identify, is_sidecar
from tasks.files.names import to_os_name
from tasks.files.walk import skip_reason

RECENT_NS = 3_000_000_000  # only a file written this recently can still be being written


@dataclass(frozen=True, slots=True)
class Classified:
    """A listed file, with what it is (an asset) or why it is skipped."""

    row: Row
    kind: MediaKind | None
    reason: str | None


def classify(root: Path, row: Row) -> Classified:
    """By name where the name says it; else by content, since cameras and people drop extensions."""
    name = row["rel_path"].rpartition("/")[2]
    if reason := skip_reason(name):
        return Classified(row, None, reason)
    if kind := by_name(name):
        return Classified(row, kind, None)
    if is_sidecar(name):
        return Classified(row, None, "sidecar")
    try:
        head = _head(root / to_os_name(row["rel_path"]))
    except (OSError, UnreadableFile):
        return Classified(row, None, "unreadable")
    kind = identify(head, name)
    return Classified(row, kind, None if kind else "not_media")


def _head(path: Path) -> bytes:
    with open_original(path) as file:
        return file.read(HEAD_BYTES)


def still_being_written(root: Path, files: pa.Table, settle_seconds: float) -> set[str]:
    """
    The paths of files that somebody is still writing: size or time differ between two looks.

    Args:
        files: Listed files (rel_path, size_bytes, mtime_ns). Only those written a moment ago are looked at again.
        settle_seconds: Between the looks.
    """
    now = time.time_ns()
    mtimes = files.column("mtime_ns")
    written_now = pc.and_(pc.greater(mtimes, now - RECENT_NS), pc.less(mtimes, now + RECENT_NS))
    recent = files.filter(written_now).to_pylist()
    if not recent or settle_seconds <= 0:
        return set()
    time.sleep(settle_seconds)
    return {row["rel_path"] for row in recent if _differs(root, row)}


def _differs(root: Path, row: Row) -> bool:
    try:
        status = (root / to_os_name(row["rel_path"])).stat()
    except OSError:
        return True
    return (status.st_size, status.st_mtime_ns) != (row["size_bytes"], row["mtime_ns"])
