-- What is hidden in favour of some assets. Grain: one row per hidden asset. Parameters: $asset_ids.
select * from hidden where kept_asset_id in (select unnest($asset_ids::bigint[]));
