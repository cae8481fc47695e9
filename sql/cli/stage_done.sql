-- What is done for the present version of the files that are there. Grain: one row per library.
select
    library.name as library,
    count(fingerprint.asset_id) as hash,
    count(metadata.asset_id) as metadata,
    count(thumbnail.asset_id) as thumbnail,
    count(large.asset_id) as large
from library
left join asset on asset.library_id = library.library_id and asset.missing_since is null
left join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
left join metadata on metadata.asset_id = asset.asset_id and metadata.content_hash = fingerprint.content_hash
left join derivative as thumbnail
    on thumbnail.asset_id = asset.asset_id
    and thumbnail.content_hash = fingerprint.content_hash
    and thumbnail.kind = 'thumbnail'
left join derivative as large
    on large.asset_id = asset.asset_id
    and large.content_hash = fingerprint.content_hash
    and large.kind = 'large'
group by all;
