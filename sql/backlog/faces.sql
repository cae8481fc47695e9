-- Photos and videos in which nobody looked for faces yet, newest first.
-- Grain: one row per content hash. Parameters: $library, $model_version (of the engine; '' while it is not known),
-- $excluded_folders (rel_path prefixes), $excluded_names (any part of the path), $row_limit.
-- Videos wait for their preview clip: the frames come from it.
with picture as (
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
    left join derivative as clip
        on clip.asset_id = asset.asset_id
        and clip.content_hash = fingerprint.content_hash
        and clip.kind = 'preview_clip'
    where asset.missing_since is null
        and fingerprint.content_hash is not null
        and (fingerprint.media_type <> 'video' or clip.asset_id is not null)
        and ($library = 'all' or library.name = $library)
        and not list_has_any(string_split(asset.rel_path, '/'), $excluded_names::varchar[])
        and not list_bool_or(list_transform(
            list_append($excluded_folders::varchar[], '//'), lambda folder: starts_with('/' || asset.rel_path || '/', folder)
        ))
    qualify row_number() over (partition by fingerprint.content_hash order by asset.asset_id) = 1
)
select
    picture.asset_id, picture.library_id, picture.library, picture.root_path, picture.rel_path,
    picture.true_media_type as media_type, picture.true_mime_type as mime_type,
    picture.size_bytes, picture.mtime_ns, picture.sidecar, picture.sidecar_version, picture.content_hash
from picture
anti join face_scan
    on face_scan.content_hash = picture.content_hash
    and not starts_with(face_scan.model_version, 'regions-')
    and (face_scan.model_version = $model_version or $model_version = '' or face_scan.status = 'failed')
order by picture.mtime_ns desc, picture.asset_id
limit $row_limit;
