-- Where a library has a file of these bytes. Grain: one row per place. Parameters: $library_id, $content_hash.
select path from timeline where content_hash = $content_hash and library_id = $library_id order by path;
