-- How a folder compares with what a library is known to hold. Grain: one row. Parameters: $library_id.
-- Sees: listing (tasks/files/walk.py FILE_COLUMNS).
with
known as (
    select rel_path, size_bytes, true as is_asset
    from asset
    where library_id = $library_id and missing_since is null
    union all
    select rel_path, size_bytes, false as is_asset from skipped_file where library_id = $library_id
)
select
    count(*) filter (known.is_asset and known.size_bytes = listing.size_bytes) as there,
    count(*) filter (known.is_asset and known.size_bytes <> listing.size_bytes) as other_size,
    count(*) filter (known.is_asset and listing.rel_path is null) as missing,
    count(*) filter (known.rel_path is null) as new
from known
full join listing on listing.rel_path = known.rel_path;
