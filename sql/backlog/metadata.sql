-- Files whose metadata were never read for this version of file and sidecar, newest first.
-- Grain: one row per asset. Parameters: $library, $recipe, $complete_recipe, $tool_version, $row_limit.
select file.*
from present_file as file
anti join metadata
    on metadata.asset_id = file.asset_id
    and metadata.content_hash = file.content_hash
    and metadata.sidecar_version = file.sidecar_version
    and metadata.recipe in ($recipe, $complete_recipe)
anti join lasting_failure as failure
    on failure.asset_id = file.asset_id
    and failure.stage = 'metadata'
    and failure.tool_version = $tool_version
    and failure.file_version = file.content_hash
where ($library = 'all' or file.library = $library)
order by file.mtime_ns desc, file.asset_id
limit $row_limit;
