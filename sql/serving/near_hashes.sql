-- Perceptual hashes of pictures that are there. Grain: one row per content hash. Flat pictures have none.
select content_hash, any_value(phash) as phash, any_value(dhash) as dhash
from perceptual_hash
semi join (
    select fingerprint.content_hash
    from fingerprint
    join asset using (asset_id)
    where asset.missing_since is null
) using (content_hash)
where phash is not null and dhash is not null
group by content_hash
order by content_hash;
