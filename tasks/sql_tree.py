"""A statement as DuckDB's own parser understands it, for whoever has to say what it may look at."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import duckdb
import orjson

from tasks.errors import InvalidQuery

MOST_CHARACTERS = 10_000
_parser_lock = threading.Lock()
_parser: list[duckdb.DuckDBPyConnection] = []


class NotASelect(InvalidQuery):
    """It does not parse, or is no SELECT: DuckDB shows only these as a tree."""


def parsed(statement: str, most_characters: int = MOST_CHARACTERS) -> dict[str, Any]:
    """
    The tree of one SELECT (json_serialize_sql).

    Raises:
        NotASelect. InvalidQuery: Too long, nested too deeply, or not one statement.
    """
    if len(statement) > most_characters:
        raise InvalidQuery(f"the statement is longer than {most_characters:,} characters")
    with _parser_lock:
        if not _parser:
            _parser.append(duckdb.connect(config={"enable_external_access": "false", "threads": 1}))
        try:
            (text,) = _parser[0].execute("select json_serialize_sql($1::varchar)", [statement]).fetchall()[0]
        except duckdb.Error as exc:
            raise InvalidQuery(first_lines(str(exc))) from exc
    try:
        tree: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise InvalidQuery("the statement is nested too deeply") from exc
    if tree.get("error"):
        raise NotASelect(f"one SELECT statement is needed: {first_lines(str(tree.get('error_message')))}")
    if len(tree["statements"]) != 1:
        raise InvalidQuery("one statement at a time" if tree["statements"] else "there is no statement in it")
    return tree


def nodes_of(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in it; without recursion, since a stranger chose the depth."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def table_function(node: dict[str, Any]) -> str | None:
    """The name of the function that a node of the tree reads from, in lower case; None for other nodes."""
    return str(node["function"].get("function_name")).lower() if node.get("type") == "TABLE_FUNCTION" else None


def first_lines(message: str) -> str:
    """What is wrong and where, without pages of suggestions."""
    return message.strip()[:600]
