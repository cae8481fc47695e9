"""
Runs one query on the tables it is given, in a process of its own; `tasks/agent/catalog_sql.py` starts it.

Read from stdin: one line of JSON (query, limits, names of tables), then each table as an Arrow stream. Written to
stdout: one JSON object. Whatever the statement does, this process cannot open or write a file by SQL, holds nothing
but those tables, and is killed when its time is over.
"""

import datetime
import json
import math
import os
import sys
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

LOCKED = (
    "set enable_external_access = false",
    "set python_enable_replacements = false",
    "set allow_community_extensions = false",
    "set lock_configuration = true",
)
CELL_CHARACTERS = 500


def main() -> None:
    request = json.loads(sys.stdin.buffer.readline())
    limit_this_process(request["address_space_mb"])
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": f"{request['memory_mb']}MB",
            "temp_directory": "",
            "threads": 1,
        }
    )
    json.dump(filled(connection, request) or answer(connection, request), sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # a thread of Arrow may still read ahead, and the interpreter's own end would fall over it


def filled(connection: duckdb.DuckDBPyConnection, request: dict[str, Any]) -> dict[str, Any] | None:
    """Take the tables in and lock the door; an error where they are too large."""
    for name in request["tables"]:
        try:
            with pa.ipc.open_stream(sys.stdin.buffer) as reader:
                connection.register("incoming", reader)
                connection.execute(f'create table "{name}" as from incoming')
        except (MemoryError, pa.ArrowMemoryError, duckdb.OutOfMemoryException):
            return {
                "error": f"the columns of {name} that the query names take more memory than the "
                f"{request['memory_mb']} MB it may have: name fewer columns than all"
            }
        connection.unregister("incoming")
    for statement in LOCKED:
        connection.execute(statement)
    return None


def limit_this_process(address_space_mb: int) -> None:
    """Strings grow outside of DuckDB's own limit; and no file may be written."""
    try:
        import resource
    except ImportError:  # Windows: DuckDB's limit and the deadline are left
        return
    for limit, value in ((resource.RLIMIT_AS, address_space_mb << 20), (resource.RLIMIT_FSIZE, 0)):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (value if hard < 0 else min(value, hard), hard))


def answer(connection: duckdb.DuckDBPyConnection, request: dict[str, Any]) -> dict[str, Any]:
    most_rows, most_characters = request["rows"], request["characters"]
    try:
        result = connection.execute(request["query"])
        columns = [column[0] for column in result.description]
        rows: list[list[Any]] = []
        characters = 0
        while (row := result.fetchone()) is not None:
            shown = [plain(value) for value in row]
            characters += sum(len(str(value)) for value in shown)
            if len(rows) >= most_rows or (rows and characters > most_characters):
                return {"columns": columns, "rows": rows, "cut": True}
            rows.append(shown)
    except (MemoryError, duckdb.OutOfMemoryException):
        return {"error": f"the query needs more memory than the {request['memory_mb']} MB it may have"}
    except duckdb.Error as exc:
        return {"error": str(exc)}
    return {"columns": columns, "rows": rows, "cut": False}


def plain(value: Any) -> Any:
    """As JSON has it; long texts are cut."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    text = f"{len(value)} bytes" if isinstance(value, bytes | bytearray) else str(value)
    return text if len(text) <= CELL_CHARACTERS else f"{text[:CELL_CHARACTERS]}…"


if __name__ == "__main__":
    main()
