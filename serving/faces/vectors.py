"""
The faces' vectors in memory, since the lake needs seconds to compare 100,000 of them: 2 KB a face, read when the API
starts. Naming a face changes none of them; what a drain finds later is added.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from serving.replica.change_feed import changes_rows_only
from sql.lake import Lake
from tasks.faces.bind import Vectors

_TABLE = "face_embedding"
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """
    The vectors of one model version.

    Args:
        face_ids: Shape (n,), ascending. vectors: Shape (n, d): the unit vector of each.
    """

    face_ids: Numbers
    vectors: Vectors

    def places(self, face_ids: Sequence[int]) -> Numbers:
        """Where these faces are, in this order; those without a vector of this version are left out."""
        wanted = np.asarray(face_ids, np.int64)
        if not len(self.face_ids):
            return wanted[:0]
        places = np.minimum(np.searchsorted(self.face_ids, wanted), len(self.face_ids) - 1)
        found: Numbers = places[self.face_ids[places] == wanted]
        return found

    def without(self, gone: Numbers) -> Known:
        stays = ~np.isin(self.face_ids, gone)
        return self if stays.all() else Known(self.face_ids[stays], self.vectors[stays])

    def joined(self, fresh: Known) -> Known:
        if not len(fresh.face_ids):
            return self
        ids, vectors = np.concatenate([self.face_ids, fresh.face_ids]), np.concatenate([self.vectors, fresh.vectors])
        order = np.argsort(ids, kind="stable")
        return Known(ids[order], vectors[order])


@dataclass
class FaceVectors:
    """Raises LakeError where the lake cannot be read."""

    lake: Lake
    _snapshot: int | None = None
    _known: dict[str, Known] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def by_version(self) -> dict[str, Known]:
        """As of now; vectors of two versions are never compared."""
        with self._lock:
            newest = self.lake.snapshot_id()
            if newest != self._snapshot:
                touched = None if self._snapshot is None else self._touched(self._snapshot, newest)
                if touched is None:
                    self._known = by_version(self.lake.arrow(f"select * from {_TABLE}"))
                elif len(touched):
                    self._renew(touched)
                self._snapshot = newest
            return dict(self._known)

    def _touched(self, known: int, newest: int) -> Numbers | None:
        """Faces whose vector is another since snapshot *known*; None when the change feed cannot say."""
        commits = self.lake.rows("serving/replica/changes", known=known)
        if (
            not commits
            or commits[0]["snapshot_id"] != known + 1
            or not all(changes_rows_only(commit["changes"]) for commit in commits)
        ):
            return None
        tables = {row["table_id"]: row["table_name"] for row in self.lake.rows("serving/replica/table_ids")}
        written = {
            tables.get(table) for commit in commits for changed in commit["changes"].values() for table in changed
        }
        if _TABLE not in written:
            return np.array([], np.int64)
        feed = f"lake.table_changes('{_TABLE}', {known + 1}, {newest})"
        return _int64(self.lake.arrow(f"select distinct face_id from {feed}"), "face_id")

    def _renew(self, touched: Numbers) -> None:
        fresh = by_version(self.lake.table("faces/some_vectors", faces=touched.tolist()))
        left = {version: known.without(touched) for version, known in self._known.items()}
        both = {
            version: left[version].joined(fresh[version]) if version in left and version in fresh
            else left.get(version) or fresh[version]
            for version in {*left, *fresh}
        }  # fmt: skip
        self._known = {version: known for version, known in both.items() if len(known.face_ids)}


def by_version(table: pa.Table) -> dict[str, Known]:
    """
    Args:
        table: face_id, model_version, embedding.
    """
    found = {}
    for version in table["model_version"].unique().to_pylist():
        own = table.filter(pc.equal(table["model_version"], version))
        ids, vectors = _int64(own, "face_id"), matrix(own)
        order = np.argsort(ids, kind="stable")
        found[version] = Known(ids[order], vectors[order])
    return found


def matrix(table: pa.Table) -> Vectors:
    """Vectors of a table's `embedding` column, shape (n, d)."""
    if not table.num_rows:
        return np.zeros((0, 1), np.float32)
    flat = table["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    found: Vectors = flat.reshape(table.num_rows, -1).astype(np.float32, copy=False)
    return found


def _int64(table: pa.Table, name: str) -> Numbers:
    return np.asarray(table[name].to_numpy(), np.int64)
