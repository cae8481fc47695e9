-- What people committed, newest first. Grain: one row per snapshot.
-- Parameters: $after and $before (snapshot ids, themselves not included), $people (names), $row_limit.
select
    snapshot_id,
    snapshot_time at time zone 'UTC' as written_at,
    coalesce(commit_message, '') as message,
    changes
from ducklake_snapshots('lake')
where
    snapshot_id > $after
    and snapshot_id < $before
    and contains(commit_message, ': ')
    and list_contains($people::varchar[], split_part(commit_message, ': ', 1))
order by snapshot_id desc
limit $row_limit;
