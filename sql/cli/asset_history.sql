-- What happened to one file, oldest first. Grain: one row per change. Parameters: $path, $oldest, $newest.
with
changes as (
    select * from ducklake_table_changes('lake', 'main', 'asset', $oldest::bigint, $newest::bigint)
),
wanted as (
    select distinct asset_id from changes where rel_path = $path
    union
    select asset_id from asset where rel_path = $path
)
select
    changes.snapshot_id,
    snapshots.snapshot_time at time zone 'UTC' as written_at,
    case
        when changes.change_type = 'insert' then 'first seen'
        when changes.missing_since is not null then 'missing'
        else 'changed'
    end as what,
    changes.rel_path as path,
    changes.size_bytes,
    make_timestamp(changes.mtime_ns // 1000) as modified_at,
    coalesce(snapshots.commit_message, '') as message
from changes
semi join wanted using (asset_id)
join lake.snapshots() as snapshots using (snapshot_id)
where changes.change_type in ('insert', 'update_postimage')
order by changes.snapshot_id;
