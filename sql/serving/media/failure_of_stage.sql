-- Why a stage failed on the present bytes of one asset. Grain: at most one row. Parameters: $asset_id, $stage.
select failure.error_class, failure.message
from failure
join timeline on timeline.asset_id = failure.asset_id and timeline.content_hash = failure.file_version
where failure.asset_id = $asset_id and failure.stage = $stage;
