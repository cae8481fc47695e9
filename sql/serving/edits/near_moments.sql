-- Pictures one camera took within two seconds, each with the one after it. Grain: one row per such pair.
select content_hash, next_hash, bit_count(xor(phash, next_phash)) as bits
from (
    select
        shot.*,
        lead(content_hash) over following as next_hash,
        lead(taken_at) over following as next_at,
        lead(phash) over following as next_phash
    from (
        select
            perceptual_hash.content_hash,
            perceptual_hash.phash,
            any_value(metadata.taken_at) as taken_at,
            any_value(concat_ws(' ', metadata.camera_make, metadata.camera_model)) as camera
        from perceptual_hash
        join metadata using (content_hash)
        join asset using (asset_id)
        where asset.missing_since is null
            and metadata.taken_at is not null
            and metadata.camera_model <> ''
            and perceptual_hash.phash is not null
        group by all
    ) as shot
    window following as (partition by camera order by taken_at, content_hash)
)
where next_at <= taken_at + interval 2 second;
