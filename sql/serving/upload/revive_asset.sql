-- A file has come back under the path of an asset. Grain: one row. Parameters: $asset_id, $size_bytes, $mtime_ns.
update asset
set size_bytes = $size_bytes, mtime_ns = $mtime_ns, missing_since = null
where asset_id = $asset_id;
