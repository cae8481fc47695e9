-- Derivatives that could not be made, and left a sentinel. Grain: one row per asset and stage.
select asset.asset_id, asset.library_id, asset.rel_path, failure.stage, failure.file_version
from failure
join asset using (asset_id)
where failure.stage in ('thumbnail', 'preview_clip', 'gif', 'hls') and asset.missing_since is null;
