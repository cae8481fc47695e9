-- The assets a search can find, newest first: the order of the timeline. Grain: one row per present asset.
-- Filled in: {only}, a condition on asset.asset_id. Parameters: $first_id, $last_id.
select
    asset.asset_id,
    epoch_us(case  -- as order_at in timeline.sql
        when metadata.taken_at_source is distinct from 'mtime' and metadata.taken_at is not null then metadata.taken_at
        when asset.mtime_ns // 1000 >= epoch_us(timestamp '1990-01-01')
            and coalesce(asset.mtime_ns // 1000 < epoch_us(asset.first_seen_at - interval 1 day), true)
        then coalesce(metadata.taken_at, make_timestamp(asset.mtime_ns // 1000))
        else timestamp '0001-01-01'
    end) as order_us
from asset
left join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
    and fingerprint.asset_id between $first_id and $last_id
left join metadata
    on metadata.asset_id = asset.asset_id
    and metadata.content_hash = fingerprint.content_hash
    and metadata.asset_id between $first_id and $last_id
where asset.missing_since is null and asset.asset_id between $first_id and $last_id and {only}
order by order_us desc, asset.asset_id desc
