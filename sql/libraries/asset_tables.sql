-- Tables whose rows belong to an asset or a library, and by which column. Grain: one row per table and column.
select columns.table_name, columns.column_name
from duckdb_columns() as columns
join duckdb_tables() as tables using (database_name, schema_name, table_name)
where columns.database_name = 'lake' and columns.column_name in ('asset_id', 'library_id')
order by all;
