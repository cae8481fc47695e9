-- Photos and videos in which nobody looked for faces yet, newest first; what the service did not take comes after all
-- others, so that it keeps none of them waiting.
-- Grain: one row per content hash. Parameters: $library, $model_version (of the engine; '' while it is not known),
-- $tool_version, $excluded_folders (rel_path prefixes), $excluded_names (any part of the path), $row_limit.
-- Videos wait for their preview clip: the frames come from it.
with picture as (
    select file.*
    from present_file as file
    left join derivative as clip
        on clip.asset_id = file.asset_id
        and clip.content_hash = file.content_hash
        and clip.kind = 'preview_clip'
    where (file.media_type <> 'video' or clip.asset_id is not null)
        and ($library = 'all' or file.library = $library)
        and not list_has_any(string_split(file.rel_path, '/'), $excluded_names::varchar[])
        and not list_bool_or(list_transform(
            list_append($excluded_folders::varchar[], '//'), lambda folder: starts_with('/' || file.rel_path || '/', folder)
        ))
    qualify row_number() over (partition by file.content_hash order by file.asset_id) = 1
)
select picture.*, coalesce(face_refusal.refusals, 0) as refusals
from picture
left join face_refusal using (content_hash)
anti join face_scan
    on face_scan.content_hash = picture.content_hash
    and not starts_with(face_scan.model_version, 'regions-')
    and (face_scan.model_version = $model_version or $model_version = '')
    and face_scan.status <> 'failed'
anti join lasting_failure as failure
    on failure.stage = 'faces'
    and failure.file_version = picture.content_hash
    and failure.tool_version = $tool_version
order by refusals, picture.mtime_ns desc, picture.asset_id
limit $row_limit;
