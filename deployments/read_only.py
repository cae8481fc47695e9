"""SQL for people: the documented views, read-only, now or as of an earlier snapshot."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import IO, Any, Literal

import duckdb
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from deployments.settings import Settings
from sql.lake import FOLDER, Lake, statement
from tasks.errors import InvalidQuery
from tasks.file_names import to_text

Format = Literal["table", "csv", "json", "parquet"]
MAX_TABLE_ROWS = 1_000
MAX_TABLE_COLUMNS_WIDE = 4_000


def open_read_only(settings: Settings, at: str | None = None) -> Lake:
    """
    The lake without the means to write it.

    Args:
        at: A snapshot id, or a local time such as `2026-11-20` or `2026-11-20T18:30`.
    Raises:
        InvalidQuery: *at* is neither, or earlier than the catalog remembers.
    """
    snapshot = snapshot_of(settings, at) if at else None
    return Lake(settings.catalog_url, settings.data_path, read_only=snapshot is None, snapshot=snapshot)


def snapshot_of(settings: Settings, at: str) -> int:
    with Lake(settings.catalog_url, settings.data_path, read_only=True) as lake:
        reach = lake.rows("cli/snapshot_range")[0]
        found = int(at) if at.isdigit() else _snapshot_at_time(lake, at)
        if not reach["oldest"] <= found <= reach["newest"]:
            raise InvalidQuery(f"snapshot {at} is not kept: there are {reach['oldest']} to {reach['newest']}")
        return found


def _snapshot_at_time(lake: Lake, at: str) -> int:
    try:
        moment = datetime.fromisoformat(at).astimezone(UTC).replace(tzinfo=None)
    except ValueError as exc:
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


def run_query(lake: Lake, query: str) -> pa.Table:
    """
    Execute one statement.

    Raises:
        InvalidQuery: DuckDB refuses it; its first line says why.
    """
    with lake.cursor() as cursor:
        try:
            table = cursor.execute(to_text(query)).to_arrow_table()
        except duckdb.Error as exc:
            raise InvalidQuery(_explained(str(exc))) from exc
        except AttributeError as exc:  # DuckDB returns None for a text without a statement
            raise InvalidQuery("there is no statement in it") from exc
    return table.rename_columns(_told_apart(table.column_names))


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


def write_table(table: pa.Table, target: IO[bytes], output: Format) -> None:
    """The result in a format for people or for programs."""
    if output == "csv":
        arrow_csv.write_csv(_csv_friendly(table), target)
    elif output == "parquet":
        parquet.write_table(table, target)
    elif output == "json":
        target.write(_to_json(table))
    else:
        shown = duckdb.from_arrow(table)
        target.write(_boxed(shown).encode() + b"\n")


def _boxed(relation: Any) -> str:
    """DuckDB's own box drawing; to a string, since `show` prints."""
    import contextlib
    import io

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        relation.show(max_rows=MAX_TABLE_ROWS, max_width=MAX_TABLE_COLUMNS_WIDE, max_col_width=80)
    return text.getvalue().rstrip()


def _to_json(table: pa.Table) -> bytes:
    with duckdb.connect() as connection:
        connection.register("result", table)
        found = connection.execute("select coalesce(json_group_array(result), '[]') from result").fetchone()
    return str(found[0]).encode() + b"\n" if found else b"[]\n"


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
