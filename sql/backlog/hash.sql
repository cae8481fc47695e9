-- Files whose present version was never read, oldest asset first.
-- Grain: one row per asset. Parameters: $library, $tool_version, $row_limit.
-- One that could not be read is tried again after 2, 4, 8 … hours (at most a week): permissions heal without a new mtime.
select
    asset.asset_id,
    asset.library_id,
    library.name as library,
    library.root_path,
    asset.rel_path,
    asset.media_type,
    asset.mime_type,
    asset.size_bytes,
    asset.mtime_ns,
    asset.sidecar,
    asset.sidecar_version,
    null::varchar as content_hash
from asset
join library using (library_id)
anti join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
anti join failure
    on failure.asset_id = asset.asset_id
    and failure.stage = 'hash'
    and failure.tool_version = $tool_version
    and failure.file_version = asset.size_bytes || '-' || asset.mtime_ns
    and failure.failed_at + to_hours(least(pow(2, failure.attempts), 168)::integer) > now()::timestamp
where asset.missing_since is null and ($library = 'all' or library.name = $library)
order by asset.asset_id
limit $row_limit;
