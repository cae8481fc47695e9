"""
SQL that a model wrote, over the documented views: read-only, with row, time and memory limits.

Three walls, each enough alone against what it is for: DuckDB's own parser says which tables a statement names, and
only views are let through; the statement runs where nothing but copies of these views exists, external access off and
the configuration locked; and that place is a process of its own, with a limit on its memory and a deadline.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import orjson
import pyarrow as pa

from tasks.errors import InvalidQuery

WORKER = Path(__file__).with_name("catalog_worker.py")
MOST_CHARACTERS = 10_000  # of a statement
TABLE_FUNCTIONS = {"range", "generate_series", "unnest"}


@dataclass(frozen=True, slots=True)
class SqlLimits:
    """characters: of all cells together. address_space_mb: of the process, which DuckDB's memory is a part of."""

    rows: int = 200
    characters: int = 20_000
    seconds: float = 10.0
    memory_mb: int = 512
    address_space_mb: int = 3_072


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """statement: what was run, as it is shown to the user. cut: there were more rows."""

    statement: str
    columns: list[str]
    rows: list[list[Any]]
    cut: bool


class Views(Protocol):
    """The documented views of the catalog."""

    def columns(self) -> Mapping[str, Sequence[str]]:
        """Column names by view."""
        ...

    def load(self, view: str, columns: Sequence[str]) -> pa.Table:
        """All rows of these columns."""
        ...


class CatalogSql:
    def __init__(self, views: Views, limits: SqlLimits = SqlLimits()) -> None:
        self._views = views
        self.limits = limits

    def columns(self) -> Mapping[str, Sequence[str]]:
        """What may be asked: column names by view."""
        return self._views.columns()

    async def run(self, statement: str) -> SqlAnswer:
        """
        Raises:
            InvalidQuery: It is no single SELECT over the views, fails, or takes too long; the message says which.
        """
        wanted = await asyncio.to_thread(self.tables_needed, statement)
        tables = {view: await asyncio.to_thread(self._views.load, view, columns) for view, columns in wanted.items()}
        found = await self._in_worker(statement, tables)
        if "error" in found:
            raise InvalidQuery(_first_lines(str(found["error"])))
        return SqlAnswer(statement.strip(), found["columns"], found["rows"], found["cut"])

    def tables_needed(self, statement: str) -> dict[str, list[str]]:
        """
        Which columns of which views a statement may look at.

        Raises:
            InvalidQuery: It names anything else, or is no single SELECT.
        """
        parsed = _parse(statement)
        nodes = list(_walk(parsed))
        known = {view.lower(): (view, list(columns)) for view, columns in self.columns().items()}
        named = _tables(nodes, known)
        words = {text.lower() for node in nodes for text in _texts(node)}
        everything = _needs_every_column(nodes, known)
        needed = {}
        for view, columns in (known[name] for name in named):
            chosen = [column for column in columns if everything or column.lower() in words]
            needed[view] = chosen or columns[:1]
        return needed

    async def _in_worker(self, statement: str, tables: Mapping[str, pa.Table]) -> dict[str, Any]:
        bodies = {name: _arrow_stream(table) for name, table in tables.items()}
        header = {
            "query": statement,
            "rows": self.limits.rows,
            "characters": self.limits.characters,
            "memory_mb": self.limits.memory_mb,
            "address_space_mb": self.limits.address_space_mb,
            "tables": [{"name": name, "size_bytes": len(body)} for name, body in bodies.items()],
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(WORKER), env={},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self.limits.seconds):
                said, _ = await process.communicate(json.dumps(header).encode() + b"\n" + b"".join(bodies.values()))
        except TimeoutError as exc:
            raise InvalidQuery(f"the query took longer than {self.limits.seconds:g} s and was stopped") from exc
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise InvalidQuery("the query needs more memory than it may have")
        found: dict[str, Any] = orjson.loads(said)
        return found


_parser_lock = threading.Lock()
_parser: list[duckdb.DuckDBPyConnection] = []


def _parse(statement: str) -> dict[str, Any]:
    """The statement as DuckDB understands it (json_serialize_sql). Raises InvalidQuery."""
    if len(statement) > MOST_CHARACTERS:
        raise InvalidQuery(f"the statement is longer than {MOST_CHARACTERS:,} characters")
    with _parser_lock:
        if not _parser:
            _parser.append(duckdb.connect(config={"enable_external_access": "false", "threads": 1}))
        try:
            (text,) = _parser[0].execute("select json_serialize_sql($1::varchar)", [statement]).fetchall()[0]
        except duckdb.Error as exc:
            raise InvalidQuery(_first_lines(str(exc))) from exc
    try:
        parsed: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise InvalidQuery("the statement is nested too deeply") from exc
    if parsed.get("error"):
        raise InvalidQuery(f"one SELECT statement is needed: {_first_lines(str(parsed.get('error_message')))}")
    if len(parsed["statements"]) != 1:
        raise InvalidQuery("one statement at a time" if parsed["statements"] else "there is no statement in it")
    return parsed


def _walk(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in it; without recursion, since a stranger chose the depth."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _texts(node: Mapping[str, Any]) -> Iterator[str]:
    for value in node.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (part for part in value if isinstance(part, str))


def _tables(nodes: Sequence[dict[str, Any]], known: Mapping[str, Any]) -> list[str]:
    """The views that are named, in lower case. Raises InvalidQuery for anything else one could read from."""
    own = {str(entry.get("key")).lower() for node in nodes for entry in _common_tables(node)}
    found: dict[str, None] = {}
    for node in nodes:
        kind = node.get("type")
        if kind == "BASE_TABLE":
            name = str(node["table_name"]).lower()
            elsewhere = node.get("catalog_name") or node.get("schema_name") not in ("", "main") or node.get("at_clause")
            if elsewhere or (name not in known and name not in own):
                raise InvalidQuery(f"there is no view {_shown(node)}; there are: {', '.join(sorted(known))}")
            if name in known:
                found[name] = None
        elif kind == "TABLE_FUNCTION":
            function = str(node["function"].get("function_name")).lower()
            if function not in TABLE_FUNCTIONS:
                raise InvalidQuery(f"{function}() cannot be read from; there are the views {', '.join(sorted(known))}")
        elif kind == "SHOW_REF":
            raise InvalidQuery("DESCRIBE, SHOW and SUMMARIZE are off; `select * from v_columns` describes every column")
    return list(found)


def _common_tables(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    cte_map = node.get("cte_map")
    return [entry for entry in cte_map.get("map", []) if isinstance(entry, dict)] if isinstance(cte_map, dict) else []


def _needs_every_column(nodes: Sequence[dict[str, Any]], known: Mapping[str, Any]) -> bool:
    """A star, a natural join, or a whole row under the name of its table."""
    rows = set(known) | {str(node.get("alias")).lower() for node in nodes if node.get("type") == "BASE_TABLE"}
    return any(
        node.get("class") == "STAR"
        or node.get("ref_type") == "NATURAL"
        or (node.get("class") == "COLUMN_REF" and str(node["column_names"][-1]).lower() in rows)
        for node in nodes
    )


def _shown(node: Mapping[str, Any]) -> str:
    parts = (node.get("catalog_name"), node.get("schema_name"), node.get("table_name"))
    return ".".join(str(part) for part in parts if part)


def _arrow_stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _first_lines(message: str) -> str:
    """What is wrong and where, without pages of suggestions."""
    return message.strip()[:600]
