-- Pictures a browser cannot show itself that have no `large` derivative of this version and recipe, newest first.
-- Grain: one row per asset. Parameters: $library, $recipe, $tool_version, $row_limit.
-- Only what has a thumbnail: a file that cannot be shown small is not tried again large.
select file.*
from present_file as file
semi join derivative as thumbnail
    on thumbnail.asset_id = file.asset_id
    and thumbnail.content_hash = file.content_hash
    and thumbnail.kind = 'thumbnail'
anti join derivative as made
    on made.asset_id = file.asset_id
    and made.content_hash = file.content_hash
    and made.kind = 'large'
    and made.recipe = $recipe
anti join lasting_failure as failure
    on failure.asset_id = file.asset_id
    and failure.stage = 'large'
    and failure.tool_version = $tool_version
    and failure.file_version = file.content_hash
where ($library = 'all' or file.library = $library)
    and (
        file.media_type = 'raw'
        or file.mime_type in (
            'image/heic', 'image/heif', 'image/tiff', 'image/jxl', 'image/jp2', 'image/vnd.adobe.photoshop'
        )
    )
order by file.mtime_ns desc, file.asset_id
limit $row_limit;
