-- The slices that `timeline` is read in. Grain: one row.
select coalesce(min(asset_id), 0) as first_id, coalesce(max(asset_id), -1) as last_id from asset;
