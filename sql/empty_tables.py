"""
Statistics for tables that never had a row.

DuckLake caches what it knows of a table, but not that it knows nothing. While a table has no statistics its planner
asks the catalog for them once per column and join, on every statement: 152 queries for a join of five empty tables,
0.3 s of CPU. A fresh lake has 44 such tables, and many stay empty for ever. So each is given the statistics of no rows,
as DuckLake would write them. Mended upstream in duckdb/ducklake#1313; to be removed with the first release of that.
"""

from __future__ import annotations

import duckdb

WITHOUT_STATISTICS = """
    select table_id from __ducklake_metadata_lake.ducklake_table
    where end_snapshot is null
        and table_id not in (select table_id from __ducklake_metadata_lake.ducklake_table_stats)
"""
_OF_COLUMNS = """
    insert into __ducklake_metadata_lake.ducklake_table_column_stats (table_id, column_id, contains_null)
    select table_id, column_id, false
    from __ducklake_metadata_lake.ducklake_column as col
    where end_snapshot is null
        and list_contains($tables, table_id)
        and not exists (
            from __ducklake_metadata_lake.ducklake_column as element
            where element.table_id = col.table_id and element.parent_column = col.column_id
        )
"""
_OF_TABLES = """
    insert into __ducklake_metadata_lake.ducklake_table_stats (table_id, record_count, next_row_id, file_size_bytes)
    select unnest($tables), 0, 0, 0
"""


def give_statistics(connection: duckdb.DuckDBPyConnection) -> None:
    """In a transaction of its own, under the write lock. Raises duckdb.Error: nothing was written."""
    connection.execute("begin")
    try:
        tables = [table_id for (table_id,) in connection.execute(WITHOUT_STATISTICS).fetchall()]
        if tables:
            connection.execute(_OF_COLUMNS, {"tables": tables})
            connection.execute(_OF_TABLES, {"tables": tables})
        connection.execute("commit")
    except duckdb.Error:
        connection.execute("rollback")
        raise
