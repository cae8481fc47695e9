-- Perceptual hashes of pictures that are there. Grain: one row per content hash. Flat pictures have none.
select content_hash, any_value(phash) as phash, any_value(dhash) as dhash
from perceptual_hash
semi join present_file using (content_hash)
where phash is not null and dhash is not null
group by content_hash
order by content_hash;
