-- Photos nothing was ever written about, newest first; one asset of each picture.
-- Grain: one row per content hash. Parameters: $library, $libraries (names), $tool_version, $row_limit.
-- An insight that somebody deleted is not written again, and hidden copies are nobody's wish.
select
    asset.asset_id,
    asset.library_id,
    library.name as library,
    library.root_path,
    asset.rel_path,
    fingerprint.media_type,
    fingerprint.mime_type,
    asset.size_bytes,
    asset.mtime_ns,
    asset.sidecar,
    asset.sidecar_version,
    fingerprint.content_hash
from asset
join library using (library_id)
join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
join metadata
    on metadata.asset_id = asset.asset_id
    and metadata.content_hash = fingerprint.content_hash
anti join insight on insight.content_hash = fingerprint.content_hash
anti join hidden on hidden.asset_id = asset.asset_id
anti join failure
    on failure.asset_id = asset.asset_id
    and failure.stage = 'insight'
    and failure.tool_version = $tool_version
    and failure.file_version = fingerprint.content_hash
where asset.missing_since is null
    and ($library = 'all' or library.name = $library)
    and library.name in (select unnest($libraries::varchar[]))
    and fingerprint.media_type in ('photo', 'raw')
qualify row_number() over (partition by fingerprint.content_hash order by asset.asset_id) = 1
order by metadata.taken_at desc nulls last, asset.mtime_ns desc, asset.asset_id
limit $row_limit;
