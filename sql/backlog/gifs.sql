-- Preview clips without a GIF of this version and recipe, newest first.
-- Grain: one row per asset. Parameters: $library, $recipe, $tool_version, $row_limit.
select
    asset.asset_id,
    asset.library_id,
    library.name as library,
    library.root_path,
    asset.rel_path,
    coalesce(fingerprint.media_type, asset.media_type) as media_type,
    coalesce(fingerprint.mime_type, asset.mime_type) as mime_type,
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
semi join derivative as clip
    on clip.asset_id = asset.asset_id
    and clip.content_hash = fingerprint.content_hash
    and clip.kind = 'preview_clip'
anti join derivative as made
    on made.asset_id = asset.asset_id
    and made.content_hash = fingerprint.content_hash
    and made.kind = 'gif'
    and made.recipe = $recipe
anti join failure
    on failure.asset_id = asset.asset_id
    and failure.stage = 'gif'
    and failure.tool_version = $tool_version
    and failure.file_version = fingerprint.content_hash
    and (
        failure.error_class <> 'UnreadableFile'  -- permissions heal: see hash.sql
        or failure.failed_at + to_hours(least(pow(2, failure.attempts), 168)::integer) > now()::timestamp
    )
where asset.missing_since is null and ($library = 'all' or library.name = $library)
order by asset.mtime_ns desc, asset.asset_id
limit $row_limit;
