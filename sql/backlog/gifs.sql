-- Preview clips without a GIF of this version and recipe, newest first.
-- Grain: one row per asset. Parameters: $library, $recipe, $tool_version, $row_limit.
select file.*
from present_file as file
semi join derivative as clip
    on clip.asset_id = file.asset_id
    and clip.content_hash = file.content_hash
    and clip.kind = 'preview_clip'
anti join derivative as made
    on made.asset_id = file.asset_id
    and made.content_hash = file.content_hash
    and made.kind = 'gif'
    and made.recipe = $recipe
anti join lasting_failure as failure
    on failure.asset_id = file.asset_id
    and failure.stage = 'gif'
    and failure.tool_version = $tool_version
    and failure.file_version = file.content_hash
where ($library = 'all' or file.library = $library)
order by file.mtime_ns desc, file.asset_id
limit $row_limit;
