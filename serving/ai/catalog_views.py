"""The documented views, as query_catalog is given them: read from the lake, only the columns a statement names."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import duckdb
import pyarrow as pa

from sql.lake import Lake, LakeError, view_columns

ROWS_AT_ONCE = 20_000


class LakeViews:
    """Implements tasks.agent.catalog_process.Views."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._columns: dict[str, list[str]] = {}
        self._cursor: duckdb.DuckDBPyConnection | None = None  # of the reading under way, or of the last one

    def columns(self) -> Mapping[str, Sequence[str]]:
        """As the comments in sql/views/ have them."""
        with self._lock:
            if not self._columns:
                for row in view_columns():
                    self._columns.setdefault(row["view_name"], []).append(row["column_name"])
            return self._columns

    @contextmanager
    def reader(self, view: str, columns: Sequence[str]) -> Iterator[pa.RecordBatchReader]:
        """Raises LakeError for a view or column that is none of the documented ones."""
        known = self.columns()
        if view not in known or not set(columns) <= set(known[view]):
            raise LakeError(f"{view} has no such columns")
        chosen = ", ".join(f'"{column}"' for column in columns)
        with self._lake.cursor() as cursor:
            self._cursor = cursor
            yield cursor.execute(f"select {chosen} from {view}").to_arrow_reader(ROWS_AT_ONCE)

    def interrupt(self) -> None:
        if self._cursor is not None:
            with suppress(duckdb.Error):  # closed meanwhile: there is nothing to interrupt
                self._cursor.interrupt()
