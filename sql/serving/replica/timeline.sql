-- What the replica holds of each asset: enough to list, filter and place it; `asset_detail` reads the rest.
-- Grain: one row per present asset. Parameters: $first_id, $last_id: a slice, so that no join holds a whole library.
-- The tables are joined here as in v_assets, but each is cut to the slice first: four times as fast.
select
    asset.asset_id,
    asset.library_id,
    library.name as library,
    asset.rel_path as path,
    coalesce(fingerprint.media_type, asset.media_type) as media_type,
    coalesce(fingerprint.mime_type, asset.mime_type) as mime_type,
    asset.size_bytes,
    asset.mtime_ns,
    make_timestamp(asset.mtime_ns // 1000) as modified_at,
    fingerprint.content_hash,
    metadata.width,
    metadata.height,
    metadata.taken_at,
    metadata.taken_at_utc,
    metadata.camera_make,
    metadata.camera_model,
    metadata.lens_model,
    case when isfinite(metadata.latitude) then metadata.latitude end as latitude,  -- JSON knows no NaN
    case when isfinite(metadata.longitude) then metadata.longitude end as longitude,
    case when isfinite(metadata.duration_s) then metadata.duration_s end as duration_s,
    to_base64(derivative.thumbhash) as thumbhash,
    derivative.file as thumbnail_file,
    derivative.size_bytes::integer as thumbnail_bytes,
    (hash(derivative.recipe) % 65536)::usmallint as thumbnail_version,  -- in its address: another size is another one
    metadata.asset_id is not null as has_metadata,
    metadata.motion_video_offset is not null as motion_video,
    case  -- its place in the timeline; search_docs.sql has the same
        when metadata.taken_at_source is distinct from 'mtime' and metadata.taken_at is not null then metadata.taken_at
        -- A file's time says when it was taken, unless it only says when the file was copied here, or nothing at all.
        when asset.mtime_ns // 1000 >= epoch_us(timestamp '1990-01-01')
            and coalesce(asset.mtime_ns // 1000 < epoch_us(asset.first_seen_at - interval 1 day), true)
        then coalesce(metadata.taken_at, make_timestamp(asset.mtime_ns // 1000))
        else timestamp '0001-01-01'  -- without a date: behind all others
    end as order_at,
    derivative.file is null
        and film.hls_file is null
        and coalesce(
            failed.asset_id is not null
            and (fingerprint.content_hash is null or list_contains(failed.file_versions, fingerprint.content_hash)),
            false
        ) as broken,  -- it could not be read or shown
    case
        when metadata.taken_at_source <> 'mtime' and not ends_with(metadata.taken_at_source, 'ModifyDate')
        then month(metadata.taken_at) * 100 + day(metadata.taken_at)
    end::smallint as capture_day,  -- 704: 4 July; null where nothing says when it was taken
    metadata.taken_at = metadata.taken_at_utc and metadata.time_zone is null as only_utc,  -- not the wall time
    metadata.rating as file_rating,
    metadata.rating,              -- until somebody sets another: say_again.sql
    place.country_code,
    place.country,
    place.region,
    place.city,
    place.major_city,
    place.personal_place,
    hiding.reason as hidden_because,  -- user, duplicate; null: it is shown
    film.hls_file,
    film.clip_file,
    case
        when metadata.content_id <> ''
        then hash(metadata.content_id, asset.library_id, parse_dirpath(asset.rel_path, 'forward_slash'))
    end as live_key  -- the same on the two files of a Live Photo
from asset
join library using (library_id)
left join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
    and fingerprint.asset_id between $first_id and $last_id
left join metadata
    on metadata.asset_id = asset.asset_id
    and metadata.content_hash = fingerprint.content_hash
    and metadata.asset_id between $first_id and $last_id
left join derivative
    on derivative.asset_id = asset.asset_id
    and derivative.content_hash = fingerprint.content_hash
    and derivative.kind = 'thumbnail'
    and derivative.asset_id between $first_id and $last_id
left join (
    select
        asset_id,
        content_hash,
        any_value(file) filter (kind = 'hls') as hls_file,
        any_value(file) filter (kind = 'preview_clip') as clip_file
    from derivative
    where kind in ('hls', 'preview_clip') and asset_id between $first_id and $last_id
    group by asset_id, content_hash
) as film on film.asset_id = asset.asset_id and film.content_hash = fingerprint.content_hash
left join (
    select asset_id, list(file_version) as file_versions
    from failure
    where stage in ('hash', 'thumbnail') and asset_id between $first_id and $last_id
    group by asset_id
) as failed on failed.asset_id = asset.asset_id
left join photo_place as place
    on place.content_hash = fingerprint.content_hash
    and place.latitude = metadata.latitude
    and place.longitude = metadata.longitude
left join (
    -- A duplicate is hidden while the copy that was kept instead of it is there, and still the same.
    select hidden.asset_id, hidden.reason
    from hidden
    left join asset as kept on kept.asset_id = hidden.kept_asset_id and kept.missing_since is null
    left join fingerprint as kept_bytes
        on kept_bytes.asset_id = kept.asset_id
        and kept_bytes.size_bytes = kept.size_bytes
        and kept_bytes.mtime_ns = kept.mtime_ns
    where hidden.asset_id between $first_id and $last_id
        and (hidden.kept_asset_id is null or kept_bytes.content_hash = hidden.kept_content_hash)
) as hiding on hiding.asset_id = asset.asset_id
where asset.missing_since is null and asset.asset_id between $first_id and $last_id
