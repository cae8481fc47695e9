-- How far back time travel reaches. Grain: one row.
select min(snapshot_id) as oldest, max(snapshot_id) as newest from lake.snapshots();
