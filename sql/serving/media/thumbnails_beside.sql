-- Thumbnails of one asset and of those stored beside it, which the same grid will ask for next.
-- Grain: one row per asset with a thumbnail. Parameters: $asset_id.
select asset_id, content_hash, thumbnail_file, thumbnail_bytes
from timeline
where thumbnail_file is not null
    and rowid between (select any_value(rowid) - 200 from timeline where asset_id = $asset_id)
    and (select any_value(rowid) + 200 from timeline where asset_id = $asset_id);
