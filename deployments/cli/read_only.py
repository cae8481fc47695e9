"""SQL for people: the documented views, read-only, now or as of an earlier snapshot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import IO, Any, Literal

import duckdb
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from deployments.settings import Settings
from sql.lake import FOLDER, Lake, statement
from tasks.errors import InvalidQuery
from tasks.files.names import to_text
from tasks.sql_tree import NotASelect, nodes_of, parsed, table_function, tables_named

Format = Literal["table", "csv", "json", "parquet"]
_QUESTIONS = {duckdb.StatementType.SELECT, duckdb.StatementType.RELATION}
_WITH_FILES = {duckdb.StatementType.COPY, duckdb.StatementType.EXPORT}
_EXPLAIN = re.compile(r"^(\s|--[^\n]*\n)*explain(\s+analyze)?\b(\s*\([^)]*\))?", re.IGNORECASE)
_CREATE = re.compile(r"\bcreate\b", re.IGNORECASE)
# What may stand behind `from` besides views. Others open files and addresses, read private tables, or write.
_TABLE_FUNCTIONS = frozenset(
    {"range", "generate_series", "unnest", "repeat", "json_each", "json_tree", "snapshots", "current_snapshot",
     "last_committed_snapshot", "ducklake_snapshots", "ducklake_current_snapshot", "ducklake_last_committed_snapshot"}
)  # fmt: skip
_READING_FILES = re.compile(r"(read_(csv|csv_auto|parquet|json|json_auto|json_objects|json_objects_auto|ndjson"
                            r"|ndjson_auto|ndjson_objects|text|blob|xlsx)|parquet_\w+|glob|sniff_csv)")  # fmt: skip
_SYSTEM_NAME = re.compile(r"(duckdb|pragma|pg|sqlite)_\w+", re.IGNORECASE)
_FILE_NAME = re.compile(r"[./*\\]")
_SHOW_TABLES = {'"tables"', "__show_tables_expanded"}
_VIEW_NAMES = "select distinct view_name as name from v_columns order by name"
_MOST_CHARACTERS = 1_000_000
MAX_TABLE_ROWS = 1_000
MAX_TABLE_COLUMNS_WIDE = 4_000


def open_read_only(settings: Settings, at: str | None = None, *, allow_files: bool = False) -> Lake:
    """
    The lake without the means to write it, or to reach any other file.

    Args:
        at: A snapshot id, or a local time such as `2026-11-20` or `2026-11-20T18:30`.
        allow_files: Statements may read files and addresses, and copy results to files.
    Raises:
        InvalidQuery: *at* is neither, or earlier than the catalog remembers.
    """
    snapshot = snapshot_of(settings, at) if at else None
    return Lake(
        settings.catalog_url,
        settings.data_path,
        threads=2,
        read_only=snapshot is None,
        snapshot=snapshot,
        confined=not allow_files,
    )


def snapshot_of(settings: Settings, at: str) -> int:
    with Lake(settings.catalog_url, settings.data_path, read_only=True) as lake:
        reach = lake.rows("cli/snapshot_range")[0]
        found = int(at) if at.isascii() and at.isdigit() and len(at) <= 18 else _snapshot_at_time(lake, at)
        if not reach["oldest"] <= found <= reach["newest"]:
            raise InvalidQuery(f"snapshot {at} is not kept: there are {reach['oldest']} to {reach['newest']}")
        return found


def _snapshot_at_time(lake: Lake, at: str) -> int:
    try:
        moment = datetime.fromisoformat(at).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as exc:  # the year 1 in another zone
        raise InvalidQuery(f"{at!r} is no time: write 2026-11-20 or 2026-11-20T18:30, or a snapshot number") from exc
    found = lake.rows("cli/snapshot_at", moment=moment)[0]["snapshot_id"]
    if found is None:
        raise InvalidQuery(f"the catalog does not reach back to {at}")
    return int(found)


def example_titles() -> dict[str, str]:
    """The worked examples of `sql/analytics/`: name to what it shows."""
    paths = sorted((FOLDER / "analytics").glob("*.sql"))
    return {path.stem: path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("-- ") for path in paths}


def example_query(name: str) -> str:
    """The text of one. Raises InvalidQuery for an unknown name."""
    if name not in example_titles():
        raise InvalidQuery(f"there is no example {name!r}; there are: {', '.join(example_titles())}")
    return statement(f"analytics/{name}")


def run_query(lake: Lake, query: str, *, allow_files: bool = False) -> pa.Table:
    """
    Execute one statement.

    Args:
        allow_files: Also COPY; the lake has to be opened likewise.
    Raises:
        InvalidQuery: It could write, or DuckDB refuses it; its first line says why.
    """
    text = to_text(query)
    try:
        table = _answer(lake, text, allow_files=allow_files)
    except duckdb.Error as exc:
        raise InvalidQuery(_explained(str(exc))) from exc
    except AttributeError as exc:  # DuckDB returns None for a text without a statement
        raise InvalidQuery("there is no statement in it") from exc
    return table.rename_columns(_told_apart(table.column_names))


def _answer(lake: Lake, text: str, *, allow_files: bool) -> pa.Table:
    """
    Where a name is only looked at as it is written, none but that of a documented view means anything: the statement
    runs in a schema that holds just those it names. Base tables hold password hashes, keys and conversations.
    """
    explained = _EXPLAIN.sub("", text)  # what is explained may be carried out
    with lake.cursor() as cursor:
        _refuse_writes(cursor, explained, allow_files=allow_files)
        try:
            nodes = list(nodes_of(parsed(explained, _MOST_CHARACTERS)))
        except NotASelect:  # COPY, and PIVOT without its values, which DuckDB carries out in several steps
            return _answer_from_copies(cursor, text, allow_files=allow_files)
        if any(node.get("type") == "SHOW_REF" and node.get("table_name") in _SHOW_TABLES for node in nodes):
            text, nodes = _VIEW_NAMES, list(nodes_of(parsed(_VIEW_NAMES)))
        _refuse_functions(nodes, allow_files=allow_files)
        cursor.execute("create schema if not exists memory.views")
        for view in _views_named(nodes, allow_files=allow_files):
            cursor.execute(f"create view if not exists memory.views.{view} as from lake.main.{view}")
        cursor.execute("use memory.views")
        return cursor.execute(text).to_arrow_table()


def _answer_from_copies(cursor: duckdb.DuckDBPyConnection, text: str, *, allow_files: bool) -> pa.Table:
    """Such a statement cannot be looked into; it runs where there is nothing but the rows of the views it names."""
    limits = cursor.execute("select current_setting('memory_limit'), current_setting('threads')").fetchone()
    memory_limit, threads = limits or ("1GB", 1)
    config = {"memory_limit": memory_limit, "threads": threads, "python_enable_replacements": "false",
              "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
              "enable_external_access": str(allow_files).lower()}  # fmt: skip
    with duckdb.connect(config=config) as copies:
        for view in (view for view in documented_views() if re.search(rf"\b{view}\b", text, re.IGNORECASE)):
            copies.register("rows", cursor.execute(f"from lake.main.{view}").to_arrow_reader())
            copies.execute(f"create table {view} as from rows")
            copies.unregister("rows")
        copies.execute("set lock_configuration = true")
        return copies.execute(text).to_arrow_table()


def documented_views() -> list[str]:
    """The names of `sql/views/v_*.sql`."""
    return sorted(path.stem for path in (FOLDER / "views").glob("v_*.sql"))


def _views_named(nodes: Sequence[dict[str, Any]], *, allow_files: bool) -> list[str]:
    """Raises InvalidQuery for any other table."""
    for node in nodes:
        expressions = node.get("cte_map") or {}
        named = [str(entry.get("key")) for entry in expressions.get("map", [])] if isinstance(expressions, dict) else []
        if node.get("type") == "SHOW_REF" and node.get("table_name"):
            raise InvalidQuery("SHOW is for tables here: `show tables` names the views, `describe v_assets` a view")
        if clash := next(filter(_SYSTEM_NAME.fullmatch, named), None):
            raise InvalidQuery(f"{clash} is a name of DuckDB's own: call it something else")
    files = [node for node in nodes if allow_files and _names_a_file(node)]
    return tables_named([node for node in nodes if node not in files], documented_views(), database="lake")


def _names_a_file(node: dict[str, Any]) -> bool:
    return node.get("type") == "BASE_TABLE" and bool(_FILE_NAME.search(str(node.get("table_name"))))


def _refuse_writes(cursor: duckdb.DuckDBPyConnection, text: str, *, allow_files: bool) -> None:
    """
    Questions only. A lake attached read-only is not enough: the catalog is a database file, which can be attached a
    second time.

    Raises:
        InvalidQuery, duckdb.Error.
    """
    for one in cursor.extract_statements(text):
        if one.type in _QUESTIONS or (allow_files and one.type in _WITH_FILES):
            continue
        if one.type == duckdb.StatementType.CREATE and not _CREATE.search(text):  # how DuckDB carries PIVOT out
            continue
        hint = "; --allow-files lets COPY write files" if one.type in _WITH_FILES else ""
        raise InvalidQuery(f"this catalog is opened read-only: no {one.type.name}{hint}")


def _refuse_functions(nodes: Sequence[dict[str, Any]], *, allow_files: bool) -> None:
    """Raises InvalidQuery: It reads from a function that is not known to only read what is public."""
    for name in filter(None, map(table_function, nodes)):
        if name in _TABLE_FUNCTIONS or (allow_files and _READING_FILES.fullmatch(name)):
            continue
        if _READING_FILES.fullmatch(name):
            raise InvalidQuery(f"{name}() reads files: --allow-files lets it")
        raise InvalidQuery(f"{name}() is not for here: the documented views are (`show tables` names them)")


def _told_apart(names: list[str]) -> list[str]:
    """Column names as no format can confuse them: the second `a` is `a_2`."""
    seen: dict[str, int] = {}
    different = []
    for name in names:
        seen[name.lower()] = seen.get(name.lower(), 0) + 1
        different.append(name if seen[name.lower()] == 1 else f"{name}_{seen[name.lower()]}")
    return different


def _explained(message: str) -> str:
    first = re.sub(r"\s*\n\s*", " ", message.partition("\nLINE")[0]).strip()
    if "read-only" in message.lower() or "READ_ONLY" in message:
        return f"this catalog is opened read-only ({first})"
    return first


def write_table(table: pa.Table, target: IO[bytes], output: Format, *, width: int | None = None) -> None:
    """
    The result in a format for people or for programs.

    Args:
        width: Characters of the terminal that a table has to fit: columns in its middle are left out and counted.
    """
    if output == "csv":
        arrow_csv.write_csv(_csv_friendly(table), target)
    elif output == "parquet":
        parquet.write_table(table, target)
    elif output == "json":
        target.write(_to_json(table))
    else:
        shown = duckdb.from_arrow(table)
        target.write(_boxed(shown, width or MAX_TABLE_COLUMNS_WIDE).encode() + b"\n")


def _boxed(relation: Any, width: int) -> str:
    """DuckDB's own box drawing; to a string, since `show` prints."""
    import contextlib
    import io

    shown = ""
    for column_width in (80, width - 4, width // 2 - 6, width // 3 - 4):  # until it fits: two columns always stay
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            relation.show(max_rows=MAX_TABLE_ROWS, max_width=width, max_col_width=max(5, min(80, column_width)))
        shown = text.getvalue().rstrip()
        if all(len(line) <= width for line in shown.splitlines()):
            break
    return shown


def _to_json(table: pa.Table) -> bytes:
    """As DuckDB writes it, but for NaN and the infinities: JSON has none, they are null."""
    columns = ", ".join(
        f"{_finite(_identifier(field.name), field.type)} as {_identifier(field.name)}" for field in table.schema
    )
    with duckdb.connect() as connection:
        connection.register("result", table)
        query = f"select coalesce(json_group_array(row_), '[]') from (select {columns} from result) as row_"
        found = connection.execute(query).fetchone()
    return str(found[0]).encode() + b"\n" if found else b"[]\n"


def _finite(value: str, kind: pa.DataType, depth: int = 0) -> str:
    """The expression *value* with its numbers that are none left out, however deep they lie."""
    if pa.types.is_floating(kind):
        return f"case when isfinite({value}) then {value} end"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        one = f"one{depth}"
        return f"list_transform({value}, lambda {one}: {_finite(one, kind.value_type, depth + 1)})"
    if pa.types.is_map(kind):
        return f"map(map_keys({value}), {_finite(f'map_values({value})', pa.list_(kind.item_type), depth)})"
    if pa.types.is_struct(kind):
        parts = (
            f"{_identifier(one.name)} := {_finite(f'{value}.{_identifier(one.name)}', one.type, depth)}" for one in kind
        )
        return f"case when {value} is not null then struct_pack({', '.join(parts)}) end"
    return value


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _csv_friendly(table: pa.Table) -> pa.Table:
    """Lists and blobs as text, since CSV has neither."""
    with duckdb.connect() as connection:
        connection.register("result", table)
        nested = [
            f"cast({_identifier(field.name)} as varchar) as {_identifier(field.name)}"
            for field in table.schema
            if pa.types.is_nested(field.type) or pa.types.is_binary(field.type)
        ]
        if not nested:
            return table
        return connection.execute(f"select * replace ({', '.join(nested)}) from result").to_arrow_table()
