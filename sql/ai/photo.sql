-- What models are told of a photo: its metadata, place, tags and people. Grain: at most one row. Parameters: $asset_id.
select
    asset_id, library, path, media_type, content_hash, taken_at, taken_at_utc, time_zone, taken_at_source,
    camera_make, camera_model, lens_model, focal_length_mm, f_number, exposure_time_s, iso, width, height,
    latitude, longitude, altitude_m, personal_place, city, major_city, region, country, rating, title, description, keywords,
    duration_s,
    (
        select coalesce(list(tag.name order by lower(tag.name)), [])
        from photo_tag
        join tag using (tag_id)
        where photo_tag.content_hash = v_assets.content_hash
    ) as tags,
    (
        select coalesce(list(distinct person.name order by person.name), [])
        from face
        join person using (person_id)
        where face.content_hash = v_assets.content_hash and not coalesce(person.is_ignored, false)
    ) as people
from v_assets
where asset_id = $asset_id and missing_since is null;
