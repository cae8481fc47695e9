-- Links and special files not remembered yet. Grain: one row per file. Parameters: $library_id. Sees: odd.
select $library_id::integer as library_id, odd.rel_path, 0::bigint as size_bytes, 0::bigint as mtime_ns, odd.reason
from odd
anti join (select rel_path, reason from skipped_file where library_id = $library_id) as known
    on known.rel_path = odd.rel_path and known.reason = odd.reason;
