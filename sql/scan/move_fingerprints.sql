-- A moved file has the same bytes at a new time: its fingerprint stays valid. Sees: seen.
update fingerprint
set mtime_ns = seen.mtime_ns, inode = seen.inode, ctime_ns = seen.ctime_ns
from seen
where fingerprint.asset_id = seen.asset_id;
