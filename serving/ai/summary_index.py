"""The vectors of the daily summaries, warm in this process and kept up with the lake."""

from __future__ import annotations

import threading

import duckdb
import pyarrow as pa
import structlog

from sql.lake import Lake, LakeError, statement
from tasks.vectors.index import VectorIndex, index_of

log = structlog.get_logger(__name__)

_SNAPSHOT = "select id from lake.current_snapshot()"


class SummaryIndex:
    """
    Loaded when the API starts. After a commit only the rows it changed are read again.

    Args:
        model: Of the embeddings; those of other models are not looked at.
    """

    def __init__(self, lake: Lake, model: str) -> None:
        self._lake, self._model = lake, model
        self._lock = threading.Lock()
        self._known: tuple[int, VectorIndex] | None = None

    def current(self) -> VectorIndex:
        """As of the lake's newest snapshot. Raises LakeError, EmbeddingMismatch."""
        with self._lock:
            if self._known is None or self._known[0] != self._lake.snapshot_id():
                self._known = self._read()
            return self._known[1]

    def _read(self) -> tuple[int, VectorIndex]:
        cursor = self._lake.cursor()
        try:
            cursor.execute("begin transaction")
            snapshot_id = int(cursor.execute(_SNAPSHOT).fetchall()[0][0])
            index = self._changed(cursor, snapshot_id)
            if index is None:
                index = index_of(self._model, self._rows(cursor))
            return snapshot_id, index
        except duckdb.Error as exc:
            raise LakeError(f"the summaries cannot be read: {str(exc).splitlines()[0]}") from exc
        finally:
            cursor.close()

    def _changed(self, cursor: duckdb.DuckDBPyConnection, snapshot_id: int) -> VectorIndex | None:
        """The known index brought up to date by the lake's change feed; None where that cannot be done."""
        if self._known is None:
            return None
        known_id, index = self._known
        try:
            ids = cursor.execute(
                statement("summaries/changed_ids"), {"first": known_id + 1, "last": snapshot_id}
            ).to_arrow_table()
        except duckdb.Error as exc:  # an expired snapshot, most likely
            log.info("summaries.read_anew", reason=str(exc).splitlines()[0])
            return None
        if not ids.num_rows:
            return index
        rows = self._rows(cursor, ids)
        return index.changed(rows, ids["summary_id"].to_pylist())

    def _rows(self, cursor: duckdb.DuckDBPyConnection, ids: pa.Table | None = None) -> pa.Table:
        text = statement("summaries/vectors").strip().rstrip(";")
        if ids is None:
            return cursor.execute(text, {"embedding_model": self._model}).to_arrow_table()
        cursor.register("changed", ids)
        try:
            wanted = f"from ({text}) semi join changed using (summary_id)"
            return cursor.execute(wanted, {"embedding_model": self._model}).to_arrow_table()
        finally:
            cursor.unregister("changed")
