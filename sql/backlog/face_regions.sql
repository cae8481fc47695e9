-- Photos whose metadata were not yet read for named faces, with this recipe and sidecar, newest first.
-- Grain: one row per content hash. Parameters: $library, $recipe, $row_limit.
with photo as (
    select
        asset.*,
        fingerprint.content_hash,
        fingerprint.media_type as true_media_type,
        fingerprint.mime_type as true_mime_type,
        library.name as library,
        library.root_path
    from asset
    join library using (library_id)
    join fingerprint
        on fingerprint.asset_id = asset.asset_id
        and fingerprint.size_bytes = asset.size_bytes
        and fingerprint.mtime_ns = asset.mtime_ns
    where asset.missing_since is null
        and fingerprint.content_hash is not null
        and fingerprint.media_type in ('photo', 'raw')
        and ($library = 'all' or library.name = $library)
    -- of several copies the one with the newest sidecar speaks
    qualify row_number() over (
        partition by fingerprint.content_hash order by asset.sidecar_version desc, asset.asset_id
    ) = 1
)
select
    photo.asset_id, photo.library_id, photo.library, photo.root_path, photo.rel_path,
    photo.true_media_type as media_type, photo.true_mime_type as mime_type,
    photo.size_bytes, photo.mtime_ns, photo.sidecar, photo.sidecar_version, photo.content_hash
from photo
anti join face_scan
    on face_scan.content_hash = photo.content_hash
    and face_scan.model_version = $recipe
    and face_scan.sidecar_version = photo.sidecar_version
order by photo.mtime_ns desc, photo.asset_id
limit $row_limit;
