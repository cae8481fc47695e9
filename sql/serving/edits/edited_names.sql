-- What the rows of a table that some commits wrote were called. Grain: one row per number and name.
-- Filled in: {table}, {key}, {first}, {last}.
select distinct {key} as id, name from lake.table_changes('{table}', {first}, {last}) where name is not null
