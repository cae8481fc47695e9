-- New place, size, time or sidecar of known assets; they are there, so no longer missing. Sees: seen.
update asset
set
    rel_path = seen.rel_path,
    size_bytes = seen.size_bytes,
    mtime_ns = seen.mtime_ns,
    sidecar = seen.sidecar,
    sidecar_version = seen.sidecar_version,
    missing_since = null
from seen
where asset.asset_id = seen.asset_id;
