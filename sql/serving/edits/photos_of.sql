-- Where some pictures lie. Grain: one row per photo. Parameters: $hashes, $asset_ids.
select content_hash, path, library_id, asset_id
from timeline
where content_hash in (select unnest($hashes::varchar[])) or asset_id in (select unnest($asset_ids::bigint[]))
order by asset_id;
