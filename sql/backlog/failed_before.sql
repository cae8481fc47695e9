-- How often some assets failed before. Grain: one row per asset and stage. Sees: failing (asset_id).
select failure.asset_id, failure.stage, failure.attempts
from failure
semi join failing using (asset_id);
