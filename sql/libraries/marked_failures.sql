-- Failures of a library that may have left a `.unsupported` file. Grain: one row per asset and stage.
-- Parameters: $library_id.
select failure.asset_id, failure.stage, failure.file_version, asset.library_id, asset.rel_path
from failure
join asset using (asset_id)
where asset.library_id = $library_id;
