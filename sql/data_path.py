"""
Where the Parquet files of a lake lie, which may be another place than last time: a home is moved, copied or restored.

DuckLake keeps paths of files relative to one absolute folder, `data_path`, in its catalog. We always say which folder
it is now (OVERRIDE_DATA_PATH), make sure that the files are there, and then write the new place into the catalog, so
that programs which attach it without us find them as well.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

_RECORDED = "select value from __ducklake_metadata_lake.ducklake_metadata where key = 'data_path'"
_RECORD = "update __ducklake_metadata_lake.ducklake_metadata set value = ? where key = 'data_path'"
_NEWEST_FILE = """
    select schema_.path || table_.path || file.path
    from __ducklake_metadata_lake.ducklake_data_file as file
    join __ducklake_metadata_lake.ducklake_table as table_ using (table_id)
    join __ducklake_metadata_lake.ducklake_schema as schema_ using (schema_id)
    where file.end_snapshot is null and file.path_is_relative and table_.path_is_relative and schema_.path_is_relative
    order by file.data_file_id desc
    limit 1
"""


def moved_from(connection: duckdb.DuckDBPyConnection, folder: str) -> str | None:
    """
    The folder that the attached lake last lay in, where that is not *folder* (with a slash at its end); else None.

    Raises:
        FileNotFoundError: The files that the catalog names are not in *folder*. Going on would take whatever Parquet
            files are there for leftovers and delete them.
    """
    recorded = str(_one(connection, _RECORDED))
    if recorded == folder:
        return None
    newest = _one(connection, _NEWEST_FILE)
    if newest is not None and not connection.execute("select 1 from glob(?)", [_listed(folder + newest)]).fetchall():
        raise FileNotFoundError(
            f"its Parquet files are not in {folder} ({newest} is not there); they were in {recorded}: "
            "move them too, or let LAKE_DATA_PATH name where they are"
        )
    if newest is None and connection.execute("select 1 from glob(?) limit 1", [_anything_in(folder)]).fetchall():
        raise FileNotFoundError(
            f"{folder} holds Parquet files that are not this lake's; its own were to be in {recorded}: "
            "let LAKE_DATA_PATH name that folder or an empty one"
        )
    return recorded


def record(connection: duckdb.DuckDBPyConnection, folder: str) -> None:
    """Write the new place into the catalog; under the write lock."""
    connection.execute(_RECORD, [folder])


def refuse_leftovers(data_path: str) -> None:
    """
    A new catalog beside old Parquet files: these would be deleted as nobody's, a day later.

    Raises:
        FileExistsError: The catalog of what lies in *data_path* (a folder of this machine) is missing.
    """
    found = None if "://" in data_path else next(Path(data_path).rglob("*.parquet"), None)
    if found is not None:
        raise FileExistsError(
            f"it is missing, but its Parquet files are there ({found}): put the catalog back from a backup "
            f"(`darkroom restore`), or move {data_path} away to begin anew"
        )


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> str | None:
    row = connection.execute(query).fetchone()
    return None if row is None else str(row[0])


def _anything_in(folder: str) -> str:
    return f"{_literal(folder)}**/*.parquet"


def _listed(path: str) -> str:
    """*path* as a pattern: a name without one is taken for there by DuckDB's S3 without a look."""
    return f"{_literal(path)}*"


def _literal(path: str) -> str:
    """*path* as a pattern that matches only itself."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)
