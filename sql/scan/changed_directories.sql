-- Directories to remember anew. Grain: one row per directory. Parameters: $library_id. Sees: listed (rel_path, mtime_ns).
select $library_id::integer as library_id, listed.rel_path, listed.mtime_ns
from listed
anti join (select rel_path, mtime_ns from directory where library_id = $library_id) as known
    on known.rel_path = listed.rel_path and known.mtime_ns = listed.mtime_ns;
