-- Thumbnails that could not be made. Grain: one row per asset.
select asset.asset_id, asset.library_id, asset.rel_path
from failure
join asset using (asset_id)
where failure.stage = 'thumbnail' and asset.missing_since is null;
