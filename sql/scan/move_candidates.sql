-- Which known assets a new file may be: the same size, read before.
-- Grain: one row per new path and asset of its size. Parameters: $library_id. Sees: newcomer (rel_path, size_bytes).
select
    newcomer.rel_path,
    newcomer.size_bytes,
    asset.asset_id,
    asset.rel_path as old_rel_path,
    asset.missing_since is not null as is_missing,
    fingerprint.content_hash
from newcomer
join asset on asset.size_bytes = newcomer.size_bytes and asset.library_id = $library_id
join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
where asset.size_bytes > 0;
