-- Some of the files a library is known to hold, always the same ones. Grain: one row per asset.
-- Parameters: $library_id, $row_limit.
select asset.rel_path, asset.size_bytes, fingerprint.content_hash
from asset
left join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
where asset.library_id = $library_id and asset.missing_since is null and asset.size_bytes > 0
order by hash(asset.asset_id)
limit $row_limit;
