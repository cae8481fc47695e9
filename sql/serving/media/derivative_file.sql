-- The file of one kind of derivative, made from the present bytes. Grain: at most one row. Parameters: $asset_id, $kind.
select derivative.file
from derivative
join timeline using (asset_id, content_hash)
where derivative.asset_id = $asset_id and derivative.kind = $kind;
