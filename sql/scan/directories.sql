-- What a quick scan compares. Grain: one row per directory. Parameters: $library_id.
select rel_path, mtime_ns from directory where library_id = $library_id;
