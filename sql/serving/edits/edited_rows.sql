-- What some commits did to one table. Grain: one row per snapshot. Parameters: $snapshots.
-- Filled in: {table}, {first}, {last}, {lists}: a list of the first hundred of each column that names something.
select snapshot_id, count(*) as rows{lists}
from lake.table_changes('{table}', {first}, {last})
where list_contains($snapshots, snapshot_id)
group by snapshot_id
