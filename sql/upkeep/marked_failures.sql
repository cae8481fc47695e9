-- Derivatives that could not be made, and left a sentinel. Grain: one row per asset and stage.
-- Not those that are to be tried again: their sentinel is gone already, and their attempts stay counted.
select asset.asset_id, asset.library_id, asset.rel_path, failure.stage, failure.file_version
from failure
join asset using (asset_id)
where failure.stage in ('thumbnail', 'preview_clip', 'gif', 'hls')
    and failure.tool_version <> '' and asset.missing_since is null;
