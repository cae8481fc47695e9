-- Which of some assets are hidden. Grain: one row per asset. Parameters: $asset_ids.
select asset_id from hidden where asset_id in (select unnest($asset_ids::bigint[]));
