-- Files that could not be opened to see what they are. Grain: one row per file. Parameters: $library_id.
select rel_path from skipped_file where library_id = $library_id and reason = 'unreadable';
