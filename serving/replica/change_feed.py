"""The lake's change feed: which tables have other rows than at an earlier snapshot."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import duckdb

from sql.lake import statement

_ROWS_CHANGED = frozenset({"tables_inserted_into", "tables_deleted_from", "inlined_insert", "inlined_delete"})
Commit = dict[str, list[str]]  # what a commit did, to the numbers of the tables it did it to


@dataclass(frozen=True, slots=True)
class ChangedTables:
    """
    Args:
        names: Of those tables that were asked about and have other rows.
        first, last: Snapshots, for `lake.table_changes(table, first, last)`; *last* is below *first* where nothing was
            committed.
    """

    names: frozenset[str]
    first: int
    last: int


def changed_tables(source: duckdb.DuckDBPyConnection, known: int, tables: Collection[str]) -> ChangedTables | None:
    """
    Which of *tables* have other rows since snapshot *known*.

    Returns:
        None when the feed cannot say: snapshots in between are expired, or a commit changed the schema.
    """
    commits = source.execute(statement("serving/replica/changes"), {"known": known}).fetchall()
    if not commits:
        return ChangedTables(frozenset(), known + 1, known)
    if commits[0][0] != known + 1 or not all(changes_rows_only(commit) for _, commit in commits):
        return None
    names = dict(source.execute(statement("serving/replica/table_ids")).fetchall())
    written = {
        table for _, commit in commits for kind, numbers in commit.items() if kind in _ROWS_CHANGED for table in numbers
    }
    if not written <= set(names):  # a table that is there no more
        return None
    return ChangedTables(frozenset(names[table] for table in written).intersection(tables), known + 1, commits[-1][0])


def changes_rows_only(commit: Commit) -> bool:
    """It made, dropped and altered no table."""
    return not any(kind.startswith(("tables_", "schemas_")) and kind not in _ROWS_CHANGED for kind in commit)
