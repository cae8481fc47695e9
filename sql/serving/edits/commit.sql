-- One commit. Grain: at most one row. Parameters: $snapshot_id.
select
    snapshot_id,
    snapshot_time at time zone 'UTC' as written_at,
    coalesce(commit_message, '') as message,
    changes
from ducklake_snapshots('lake')
where snapshot_id = $snapshot_id;
