"""A statement as DuckDB's own parser understands it, for whoever has to say what it may look at."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def tables_named(nodes: Sequence[dict[str, Any]], known: Iterable[str], database: str = "") -> list[str]:
    """
    Which of *known* (lower case) the nodes of a tree read from.

    Args:
        database: A name that may stand before theirs.
    Raises:
        InvalidQuery: They name anything else that is no common table expression of the statement. A name is only
            looked at as it is written, so nothing else may be found under the names of such expressions either.
    """
    choices = sorted(known)
    own = {str(entry.get("key")).lower() for node in nodes for entry in _common_tables(node)}
    qualifiers = {("", ""), ("", "main"), ("", database), (database, "main")}
    found: dict[str, None] = {}
    for node in nodes:
        if node.get("type") != "BASE_TABLE":
            continue
        name = str(node["table_name"]).lower()
        qualifier = (str(node.get("catalog_name") or "").lower(), str(node.get("schema_name") or "").lower())
        is_own = name in own and qualifier == ("", "")
        if qualifier not in qualifiers or node.get("at_clause") or not (name in choices or is_own):
            raise InvalidQuery(f"there is no view {_shown(node)}; there are: {', '.join(choices)}")
        if name in choices:
            found[name] = None
    return list(found)


def _common_tables(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    cte_map = node.get("cte_map")
    return [entry for entry in cte_map.get("map", []) if isinstance(entry, dict)] if isinstance(cte_map, dict) else []


def _shown(node: Mapping[str, Any]) -> str:
    parts = (node.get("catalog_name"), node.get("schema_name"), node.get("table_name"))
    return ".".join(str(part) for part in parts if part)


def first_lines(message: str) -> str:
    """What is wrong and where, without pages of suggestions."""
    return message.strip()[:600]
