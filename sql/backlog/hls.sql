-- Videos that have no stream of this version and recipe, newest first.
-- Grain: one row per asset. Parameters: $library, $recipe, $tool_version, $row_limit.
select file.*
from present_file as file
anti join derivative as made
    on made.asset_id = file.asset_id
    and made.content_hash = file.content_hash
    and made.kind = 'hls'
    and made.recipe = $recipe
anti join lasting_failure as failure
    on failure.asset_id = file.asset_id
    and failure.stage = 'hls'
    and failure.tool_version = $tool_version
    and failure.file_version = file.content_hash
where ($library = 'all' or file.library = $library) and file.media_type = 'video'
order by file.mtime_ns desc, file.asset_id
limit $row_limit;
