-- Photos and RAWs with a thumbnail and no perceptual hash of this recipe, newest first; one asset of each picture.
-- Grain: one row per content hash. Parameters: $library, $recipe, $tool_version, $row_limit.
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
    fingerprint.content_hash,
    thumbnail.file as thumbnail_file
from asset
join library using (library_id)
join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
join derivative as thumbnail
    on thumbnail.asset_id = asset.asset_id
    and thumbnail.content_hash = fingerprint.content_hash
    and thumbnail.kind = 'thumbnail'
anti join perceptual_hash as made
    on made.content_hash = fingerprint.content_hash and made.recipe = $recipe
anti join failure
    on failure.asset_id = asset.asset_id
    and failure.stage = 'perceptual_hash'
    and failure.tool_version = $tool_version
    and failure.file_version = fingerprint.content_hash
where asset.missing_since is null
    and ($library = 'all' or library.name = $library)
    and fingerprint.media_type in ('photo', 'raw')
qualify row_number() over (partition by fingerprint.content_hash order by asset.asset_id) = 1
order by asset.mtime_ns desc, asset.asset_id
limit $row_limit;
