"""
A path that vanished and a path that appeared with the same content are one asset that moved.

Only a new file of the size of a known asset is read for this; whoever moves files keeps their faces.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tasks.asset import Row
from tasks.batches.ingest import open_original
from tasks.errors import StorageUnavailable, UnreadableFile
from tasks.files.atomic_write import make_way
from tasks.files.hashing import hash_stream
from tasks.files.names import to_os_name
from tasks.images.sentinel import sentinel_path


@dataclass(frozen=True, slots=True)
class Move:
    asset_id: int
    old_rel_path: str
    rel_path: str


def find_moves(root: Path, newcomers: pa.Table, candidates: Iterable[Row], gone: set[int], *, look: bool) -> list[Move]:
    """
    Match new paths to the assets they were. Each newcomer that may be one is read once.

    Args:
        newcomers: rel_path, size_bytes; also of files that lie where an asset with other bytes is missing.
        candidates: asset_id, old_rel_path, size_bytes, is_missing, content_hash (`sql/scan/move_candidates.sql`).
        gone: Assets that this scan did not find.
        look: Ask the disk whether an asset's old path is still there: for quick scans, which see only part of it.
    """
    waiting: dict[str, list[Row]] = defaultdict(list)
    sizes: set[int] = set()
    for row in candidates:
        is_gone = row["asset_id"] in gone or row["is_missing"]
        if is_gone or (look and not os.path.lexists(root / to_os_name(row["old_rel_path"]))):
            waiting[row["content_hash"]].append(row)
            sizes.add(row["size_bytes"])
    if not waiting:
        return []
    possible = newcomers.filter(pc.is_in(newcomers.column("size_bytes"), pa.array(sorted(sizes), pa.int64())))
    moves = []
    for rel_path in sorted(possible.column("rel_path").to_pylist()):
        same = waiting.get(_content_hash(root / to_os_name(rel_path)) or "")
        if same:
            chosen = min(same, key=lambda row: _distance(rel_path, row))
            same.remove(chosen)
            if chosen["old_rel_path"] != rel_path:  # else it was missing, and is back where it was
                moves.append(Move(chosen["asset_id"], chosen["old_rel_path"], rel_path))
    return moves


def _distance(rel_path: str, row: Row) -> tuple[bool, bool, int]:
    """Of the assets with these bytes the one that was here, else one of this name, else the oldest."""
    old = row["old_rel_path"]
    return (old != rel_path, _name(old) != _name(rel_path), row["asset_id"])


def _name(rel_path: str) -> str:
    return rel_path.rpartition("/")[2]


def _content_hash(path: Path) -> str | None:
    """None for a file that cannot be read: it is nobody's move, and the ingest will say what is wrong with it."""
    try:
        with open_original(path) as file:
            return hash_stream(file)
    except (OSError, UnreadableFile):
        return None


def move_derivative(old: Path, new: Path, within: Path) -> bool:
    """
    Rename a mirrored file (and its sentinel) after its original; whether it is at its new place.

    Safe to do again after a kill: a file that is already there is left alone.
    """
    renamed = [_rename(old_file, new_file, within) for old_file, new_file in _pairs(old, new)]
    return any(renamed)


def _pairs(old: Path, new: Path) -> Sequence[tuple[Path, Path]]:
    return ((old, new), (sentinel_path(old), sentinel_path(new)))


def _rename(old: Path, new: Path, within: Path) -> bool:
    if not old.is_file():
        return new.is_file()
    make_way(new, within)
    try:
        old.replace(new)
    except OSError as exc:
        raise StorageUnavailable(f"cannot move {old} to {new}: {exc.strerror}") from exc
    return True
