-- Pictures with a position that has no words of this recipe, newest first; one asset of each picture and position.
-- Grain: one row per content hash and position. Parameters: $library, $recipe, $with_nominatim, $row_limit.
-- Where Nominatim has answered since, its words are taken: that too is a row without words of this recipe.
select
    asset.asset_id,
    asset.library_id,
    library.name as library,
    library.root_path,
    asset.rel_path,
    coalesce(fingerprint.media_type, asset.media_type) as media_type,
    coalesce(fingerprint.mime_type, asset.mime_type) as mime_type,
    asset.size_bytes,
    asset.mtime_ns,
    asset.sidecar,
    asset.sidecar_version,
    fingerprint.content_hash,
    metadata.latitude,
    metadata.longitude,
    answer.asked_at is not null as asked,
    answer.country_code,
    answer.country,
    answer.region,
    answer.city
from asset
join library using (library_id)
join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
join metadata
    on metadata.asset_id = asset.asset_id
    and metadata.content_hash = fingerprint.content_hash
left join nominatim_answer as answer
    on answer.latitude = round(metadata.latitude, 4)
    and answer.longitude = round(metadata.longitude, 4)
    and $with_nominatim
anti join photo_place as named
    on named.content_hash = fingerprint.content_hash
    and named.latitude = metadata.latitude
    and named.longitude = metadata.longitude
    and named.recipe = $recipe
    and (named.source = 'nominatim') = (answer.country_code is not null)
where asset.missing_since is null
    and ($library = 'all' or library.name = $library)
    and metadata.latitude between -90 and 90  -- NaN is above every number
    and metadata.longitude between -180 and 180
qualify row_number() over (
    partition by fingerprint.content_hash, metadata.latitude, metadata.longitude order by asset.asset_id
) = 1
order by asset.mtime_ns desc, asset.asset_id
limit $row_limit;
