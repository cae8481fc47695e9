-- These were not found. They are marked, never deleted. Parameters: $now. Sees: gone (asset_id).
update asset
set missing_since = $now::timestamp
from gone
where asset.asset_id = gone.asset_id and asset.missing_since is null;
