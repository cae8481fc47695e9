-- Files of the size and time that were read, but with another inode or change time: perhaps replaced.
-- Grain: one row per asset, the columns of a backlog and those known of its bytes. Parameters: $library_id.
-- Sees: listing (tasks/files/walk.py FILE_COLUMNS).
select file.*, known.inode, known.ctime_ns
from present_file as file
join fingerprint as known on known.asset_id = file.asset_id
join listing
    on listing.rel_path = file.rel_path
    and listing.size_bytes = file.size_bytes
    and listing.mtime_ns = file.mtime_ns
anti join lasting_failure as failure
    on failure.asset_id = file.asset_id
    and failure.stage = 'verify'
    and failure.error_class = 'UnreadableFile'
    and failure.file_version = file.content_hash
where file.library_id = $library_id
    and known.ctime_ns is not null
    and (known.ctime_ns <> listing.ctime_ns or known.inode <> listing.inode)
order by file.asset_id;
