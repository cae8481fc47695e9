-- Mirrored files of some assets. Grain: one row per asset and kind. Sees: wanted (asset_id).
select derivative.asset_id, derivative.kind, derivative.file
from derivative
semi join wanted using (asset_id)
where derivative.kind in ('thumbnail', 'large');
