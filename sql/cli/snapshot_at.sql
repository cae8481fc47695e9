-- The newest snapshot that was there at a time. Grain: one row. Parameters: $moment (UTC).
select max(snapshot_id) as snapshot_id, min(snapshot_id) as oldest
from lake.snapshots()
where snapshot_time at time zone 'UTC' <= $moment::timestamp;
