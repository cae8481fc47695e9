-- Photos and RAWs with a thumbnail and no perceptual hash of this recipe, newest first; one asset of each picture.
-- Grain: one row per content hash. Parameters: $library, $recipe, $tool_version, $row_limit.
select file.*, thumbnail.file as thumbnail_file
from present_file as file
join derivative as thumbnail
    on thumbnail.asset_id = file.asset_id
    and thumbnail.content_hash = file.content_hash
    and thumbnail.kind = 'thumbnail'
anti join perceptual_hash as made
    on made.content_hash = file.content_hash and made.recipe = $recipe
anti join lasting_failure as failure
    on failure.asset_id = file.asset_id
    and failure.stage = 'perceptual_hash'
    and failure.tool_version = $tool_version
    and failure.file_version = file.content_hash
where ($library = 'all' or file.library = $library)
    and file.media_type in ('photo', 'raw')
qualify row_number() over (partition by file.content_hash order by file.asset_id) = 1
order by file.mtime_ns desc, file.asset_id
limit $row_limit;
