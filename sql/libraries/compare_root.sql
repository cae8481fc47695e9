-- How a folder compares with what a library is known to hold. Grain: one row. Parameters: $library_id.
-- Sees: listing (tasks/walk.py FILE_COLUMNS).
with
known as (select rel_path, size_bytes from asset where library_id = $library_id and missing_since is null),
skipped as (select rel_path from skipped_file where library_id = $library_id)
select
    count(*) filter (known.size_bytes = listing.size_bytes) as there,
    count(*) filter (known.size_bytes <> listing.size_bytes) as other_size,
    count(*) filter (listing.rel_path is null) as missing,
    count(*) filter (known.rel_path is null and listing.rel_path not in (select rel_path from skipped)) as new
from known
full join listing using (rel_path);
