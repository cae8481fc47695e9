-- Known assets that a new file may be: of the size of one, read before, and not where they were.
-- Grain: one row per asset. Parameters: $library_id, $full. Sees: newcomer (rel_path, size_bytes), gone (asset_id).
-- A full scan knows which are gone; after a quick one the disk must be asked about each.
select
    asset.asset_id,
    asset.rel_path as old_rel_path,
    asset.size_bytes,
    asset.missing_since is not null as is_missing,
    fingerprint.content_hash
from asset
join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
semi join newcomer on newcomer.size_bytes = asset.size_bytes
where asset.library_id = $library_id
    and asset.size_bytes > 0
    and (asset.missing_since is not null or not $full or asset.asset_id in (select asset_id from gone));
