-- These files still have the bytes that are known. Parameters: $now. Sees: verified (asset_id, inode, ctime_ns).
update fingerprint
set inode = verified.inode, ctime_ns = verified.ctime_ns, verified_at = $now::timestamp
from verified
where fingerprint.asset_id = verified.asset_id;
