-- What was written when, newest first. Grain: one row per snapshot. Parameters: $row_limit.
select snapshot_id, snapshot_time at time zone 'UTC' as written_at, coalesce(commit_message, '') as message
from lake.snapshots()
order by snapshot_id desc
limit $row_limit;
