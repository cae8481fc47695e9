-- Some assets. Grain: one row per asset that is there. Parameters: $asset_ids.
select asset_id, content_hash, path from timeline where asset_id in (select unnest($asset_ids::bigint[]));
