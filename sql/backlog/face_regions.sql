-- Photos whose metadata were not yet read for named faces, with this recipe and sidecar, newest first.
-- Grain: one row per content hash. Parameters: $library, $recipe, $row_limit.
with photo as (
    select *
    from present_file
    where media_type in ('photo', 'raw') and ($library = 'all' or library = $library)
    -- of several copies the one with the newest sidecar speaks
    qualify row_number() over (partition by content_hash order by sidecar_version desc, asset_id) = 1
)
select photo.*
from photo
anti join face_scan
    on face_scan.content_hash = photo.content_hash
    and face_scan.model_version = $recipe
    and face_scan.sidecar_version = photo.sidecar_version
order by photo.mtime_ns desc, photo.asset_id
limit $row_limit;
