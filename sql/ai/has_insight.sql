-- Whether a picture has an insight that was not taken away. Grain: at most one row. Parameters: $content_hash.
select insight_id from insight where content_hash = $content_hash and deleted_at is null limit 1;
