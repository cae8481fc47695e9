-- Which pictures lie at some paths, the first library's first. Grain: one row per library and path.
-- Parameters: $paths, $library_id (null: any).
select path, content_hash
from timeline
where path_key in (select hash(unnest($paths::varchar[])))
    and list_contains($paths::varchar[], path)
    and content_hash is not null
    and ($library_id is null or library_id = $library_id)
order by library_id;
