-- Pictures in which an engine looked for faces. Grain: one row per library.
select
    library.name as library,
    count(distinct fingerprint.content_hash) filter (scan.status in ('detected', 'no_faces')) as done,
    count(distinct fingerprint.content_hash) filter (scan.status = 'failed') as failed
from library
left join asset on asset.library_id = library.library_id and asset.missing_since is null
left join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
left join face_scan as scan
    on scan.content_hash = fingerprint.content_hash and not starts_with(scan.model_version, 'regions-')
group by library.name;
