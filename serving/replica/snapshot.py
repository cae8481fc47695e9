"""One consistent state of the lake in memory, and how to ask it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from sql.lake import Row, statement

# Statements beyond one a processor only fight for Python's lock: eight threads answered 205 pages/s, two 286.
_AT_ONCE = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


@dataclass
class ReplicaSnapshot:
    """
    Tables `timeline`, `tag_set`, `folder`, `library`, `failure`, `derivative`, `account`.

    `timeline` is stored newest first: that is the trick behind quick pages, since a range of `order_at` then touches
    one or two row groups of a million rows (2 ms) instead of all of them (12 ms). `tag_set` has each combination of
    tags once: looking into the lists of a million photos takes 20 ms, comparing numbers of combinations 8.

    Args:
        months: Photos per library and month, newest first (sql/serving/listing/months.sql).
        accounts: By name. api_keys: by their beginning. revoked_tokens: ids. libraries: by number.
        disorder: Rows changed since the timeline was stored in order.
    """

    connection: duckdb.DuckDBPyConnection
    snapshot_id: int
    months: list[Row] = field(default_factory=list)
    accounts: dict[str, Row] = field(default_factory=dict)
    api_keys: dict[str, Row] = field(default_factory=dict)
    revoked_tokens: frozenset[str] = frozenset()
    libraries: list[Row] = field(default_factory=list)
    photos: int = 0
    disorder: int = 0

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Statements that see the same state, whatever is applied meanwhile."""
        cursor = self.connection.cursor()
        try:
            cursor.execute("begin transaction read only")
            yield Reader(cursor)
        finally:
            cursor.close()

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """All rows of `sql/serving/<name>.sql`."""
        with self.reading() as reader:
            return reader.rows(statement(f"serving/{name}"), parameters)

    def select(self, text: str, **parameters: Any) -> list[Row]:
        with self.reading() as reader:
            return reader.rows(text, parameters)

    def bound(self, start: datetime | None, wanted: int, library_id: int | None, *, newest_first: bool) -> str | None:
        """
        How far from *start* one must read to meet *wanted* photos.

        Args:
            start: None begins at the end of the timeline.
        Returns:
            A timestamp, itself included when newest first and excluded otherwise; None when there are fewer photos.
        """
        found = 0
        for row in self.months if newest_first else reversed(self.months):
            month, after = row["month"], next_month(row["month"])
            if library_id not in (None, row["library_id"]):
                continue
            if start is not None and (month > start if newest_first else after <= start):
                continue
            if found >= wanted:
                return str(after if newest_first else month)
            if start is None or (after <= start if newest_first else month > start):
                found += row["photos"]  # the month that *start* lies in may be used up already
        return None


def as_list(values: Iterable[object]) -> str:
    """
    Numbers or hex digits as the text of a list, for `$name::bigint[]` or `$name::varchar[]` in a statement.

    A Python list is bound element by element: 20 ms for a few hundred.
    """
    return f"[{', '.join(map(str, values))}]"


@dataclass(frozen=True, slots=True)
class Reader:
    cursor: duckdb.DuckDBPyConnection

    def rows(self, text: str, parameters: dict[str, Any] | None = None) -> list[Row]:
        with _AT_ONCE:
            result = self._ask(text, parameters)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def tuples(self, text: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """As the database gives them: for answers of thousands of rows, where dicts take a tenth of the time."""
        with _AT_ONCE:
            return self._ask(text, parameters).fetchall()

    def value(self, text: str, parameters: dict[str, Any] | None = None) -> Any:
        """The first column of the first row; None when there is no row."""
        with _AT_ONCE:
            row = self._ask(text, parameters).fetchone()
        return row[0] if row else None

    def column(self, text: str, parameters: dict[str, Any] | None = None) -> NDArray[Any]:
        """The first column as an array, for answers of a million numbers."""
        with _AT_ONCE:
            columns = self._ask(text, parameters).to_arrow_table()
        return np.asarray(columns.column(0))

    def _ask(self, text: str, parameters: dict[str, Any] | None) -> duckdb.DuckDBPyConnection:
        return self.cursor.execute(text, parameters) if parameters else self.cursor.execute(text)


def next_month(month: datetime) -> datetime:
    """The first moment after *month*, which is its first."""
    if month.month == 12 and month.year == 9999:
        return datetime.max
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
