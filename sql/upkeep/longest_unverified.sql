-- Files whose bytes were not read for the longest time. Grain: one row per asset, the columns of a backlog and those
-- known of its bytes. Parameters: $row_limit, $tool_version.
-- Damaged ones are known: they are read again when somebody has put another file in their place (scan/suspects).
select file.*, known.inode, known.ctime_ns
from present_file as file
join fingerprint as known on known.asset_id = file.asset_id
anti join lasting_failure as failure
    on failure.asset_id = file.asset_id
    and failure.stage = 'verify'
    and failure.tool_version = $tool_version
    and failure.file_version = file.content_hash
order by coalesce(known.verified_at, known.recorded_at), file.asset_id
limit $row_limit;
