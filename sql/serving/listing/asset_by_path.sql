-- The assets at a path, the first library's first. Grain: one row per library that has it.
-- Parameters: $path, $library_id (null: any).
select *
from timeline
where path_key = hash($path) and path = $path and ($library_id is null or library_id = $library_id)
order by library_id;
