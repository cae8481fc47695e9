-- Pictures with a position that has no words of this recipe, newest first; one asset of each picture and position.
-- Grain: one row per content hash and position. Parameters: $library, $recipe, $with_nominatim, $row_limit.
-- Where Nominatim has answered since, its words are taken: that too is a row without words of this recipe.
select
    file.*,
    metadata.latitude,
    metadata.longitude,
    answer.asked_at is not null as asked,
    answer.country_code,
    answer.country,
    answer.region,
    answer.city
from present_file as file
join metadata
    on metadata.asset_id = file.asset_id
    and metadata.content_hash = file.content_hash
left join nominatim_answer as answer
    on answer.latitude = round(metadata.latitude, 4)
    and answer.longitude = round(metadata.longitude, 4)
    and $with_nominatim
anti join photo_place as named
    on named.content_hash = file.content_hash
    and named.latitude = metadata.latitude
    and named.longitude = metadata.longitude
    and named.recipe = $recipe
    and (named.source = 'nominatim') = (answer.country_code is not null)
where ($library = 'all' or file.library = $library)
    and metadata.latitude between -90 and 90  -- NaN is above every number
    and metadata.longitude between -180 and 180
qualify row_number() over (
    partition by file.content_hash, metadata.latitude, metadata.longitude order by file.asset_id
) = 1
order by file.mtime_ns desc, file.asset_id
limit $row_limit;
