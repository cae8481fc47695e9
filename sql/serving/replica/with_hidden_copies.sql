-- The assets in `changed`, and the duplicates that are hidden in favour of one of them. Grain: one row per asset.
select asset_id from changed
union
select hidden.asset_id from hidden join changed on changed.asset_id = hidden.kept_asset_id;
