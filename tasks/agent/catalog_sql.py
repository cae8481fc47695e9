"""
SQL that a model wrote, over the documented views: read-only, with row, time and memory limits.

Three walls, each enough alone against what it is for: DuckDB's own parser says which tables a statement names, and
only views are let through; the statement runs where nothing but copies of these views exists, external access off and
the configuration locked; and that place is a process of its own, with a limit on its memory and a deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.agent.catalog_process import SqlLimits, SqlProcess, Views
from tasks.errors import InvalidQuery
from tasks.sql_tree import first_lines, nodes_of, parsed, table_function, tables_named

TABLE_FUNCTIONS = {"range", "generate_series", "unnest"}


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """statement: what was run, as it is shown to the user. cut: there were more rows."""

    statement: str
    columns: list[str]
    rows: list[list[Any]]
    cut: bool


class CatalogSql:
    """One statement at a time: a second one waits, so that memory is bounded whatever models ask for."""

    def __init__(self, views: Views, limits: SqlLimits | None = None) -> None:
        self._views = views
        self._one_at_a_time = asyncio.Semaphore(1)
        self.limits = limits or SqlLimits()

    def columns(self) -> Mapping[str, Sequence[str]]:
        """What may be asked: column names by view."""
        return self._views.columns()

    async def run(self, statement: str) -> SqlAnswer:
        """
        Raises:
            InvalidQuery: It is no single SELECT over the views, fails, or takes too long; the message says which.
        """
        wanted = await asyncio.to_thread(self.tables_needed, statement)
        process = SqlProcess(self.limits)
        async with self._one_at_a_time:
            try:
                found = await asyncio.to_thread(process.run, statement, wanted, self._views)
            finally:
                process.stop()  # should nobody wait for it any more
        if "error" in found:
            raise InvalidQuery(first_lines(str(found["error"])))
        return SqlAnswer(statement.strip(), found["columns"], found["rows"], found["cut"])

    def tables_needed(self, statement: str) -> dict[str, list[str]]:
        """
        Which columns of which views a statement may look at.

        Raises:
            InvalidQuery: It names anything else, or is no single SELECT.
        """
        nodes = list(nodes_of(parsed(statement)))
        known = {view.lower(): (view, list(columns)) for view, columns in self.columns().items()}
        named = _tables(nodes, known)
        words = {text.lower() for node in nodes for text in _texts(node)}
        everything = _needs_every_column(nodes, known)
        needed = {}
        for view, columns in (known[name] for name in named):
            chosen = [column for column in columns if everything or column.lower() in words]
            needed[view] = chosen or columns[:1]
        return needed


def _texts(node: Mapping[str, Any]) -> Iterator[str]:
    for value in node.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (part for part in value if isinstance(part, str))


def _tables(nodes: Sequence[dict[str, Any]], known: Mapping[str, Any]) -> list[str]:
    """The views that are named, in lower case. Raises InvalidQuery for anything else one could read from."""
    for node in nodes:
        if (function := table_function(node)) and function not in TABLE_FUNCTIONS:
            raise InvalidQuery(f"{function}() cannot be read from; there are the views {', '.join(sorted(known))}")
        if node.get("type") == "SHOW_REF":
            raise InvalidQuery("DESCRIBE, SHOW and SUMMARIZE are off; `select * from v_columns` describes every column")
    return tables_named(nodes, known)


def _needs_every_column(nodes: Sequence[dict[str, Any]], known: Mapping[str, Any]) -> bool:
    """A star, a natural join, or a whole row under the name of its table."""
    rows = set(known) | {str(node.get("alias")).lower() for node in nodes if node.get("type") == "BASE_TABLE"}
    return any(
        node.get("class") == "STAR"
        or node.get("ref_type") == "NATURAL"
        or (node.get("class") == "COLUMN_REF" and str(node["column_names"][-1]).lower() in rows)
        for node in nodes
    )
