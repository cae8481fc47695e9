-- Photos nothing was ever written about, newest first; one asset of each picture.
-- Grain: one row per content hash. Parameters: $library, $libraries (names), $tool_version, $row_limit.
-- An insight that somebody deleted is not written again, and hidden copies are nobody's wish.
select file.*
from present_file as file
join metadata
    on metadata.asset_id = file.asset_id
    and metadata.content_hash = file.content_hash
anti join insight on insight.content_hash = file.content_hash
anti join hidden on hidden.asset_id = file.asset_id
anti join lasting_failure as failure
    on failure.asset_id = file.asset_id
    and failure.stage = 'insight'
    and failure.tool_version = $tool_version
    and failure.file_version = file.content_hash
where ($library = 'all' or file.library = $library)
    and list_contains($libraries::varchar[], file.library)
    and file.media_type in ('photo', 'raw')
qualify row_number() over (partition by file.content_hash order by file.asset_id) = 1
order by metadata.taken_at desc nulls last, file.mtime_ns desc, file.asset_id
limit $row_limit;
