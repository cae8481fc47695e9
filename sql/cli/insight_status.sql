-- Files of pictures that have an insight. Grain: one row per library.
select library.name as library, count(written.content_hash) as done
from library
left join asset on asset.library_id = library.library_id and asset.missing_since is null
left join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
left join (
    select distinct content_hash from insight where deleted_at is null
) as written on written.content_hash = fingerprint.content_hash
group by library.name;
