-- What was committed, newest first. Grain: one row per snapshot. Parameters: $after (snapshot id).
select
    snapshot_id,
    snapshot_time at time zone 'UTC' as written_at,
    coalesce(commit_message, '') as message,
    changes
from ducklake_snapshots('lake')
where snapshot_id > $after
order by snapshot_id desc;
