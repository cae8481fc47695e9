-- What lies where of some pictures. Grain: one row per asset. Filled in: {conditions}. Parameters: $hashes.
select
    asset_id,
    content_hash,
    library_id,
    path,
    media_type,
    size_bytes,
    coalesce(width, 0)::bigint * coalesce(height, 0) as pixels,
    order_at
from timeline
where content_hash in (select unnest($hashes::varchar[])) and {conditions}
