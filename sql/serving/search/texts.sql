-- What a search can find an asset by. Grain: one row per asset and text. Filled in: {only}, a condition on
-- asset.asset_id. Parameters: $first_id, $last_id: a slice, so that no more than that many texts are held at a time.
with present as (
    select asset.asset_id, asset.rel_path, fingerprint.content_hash
    from asset
    left join fingerprint
        on fingerprint.asset_id = asset.asset_id
        and fingerprint.size_bytes = asset.size_bytes
        and fingerprint.mtime_ns = asset.mtime_ns
        and fingerprint.asset_id between $first_id and $last_id
    where asset.missing_since is null and asset.asset_id between $first_id and $last_id and {only}
),
described as (
    select metadata.*
    from metadata
    join present using (asset_id, content_hash)
    where metadata.asset_id between $first_id and $last_id
),
placed as (
    select described.asset_id, place.*
    from photo_place as place
    join described using (content_hash, latitude, longitude)
)
select asset_id, 'name' as field, regexp_extract(rel_path, '[^/]*$') as text from present
union all
select asset_id, 'folder', regexp_extract(rel_path, '^(.*)/', 1) from present
union all
select asset_id, 'ext', regexp_extract(rel_path, '\.([^./]+)$', 1) from present
union all
select asset_id, 'camera', concat_ws(' ', camera_make, camera_model) from described
union all
select asset_id, 'lens', lens_model from described
union all
select asset_id, 'title', title from described
union all
select asset_id, 'description', description from described
union all
select asset_id, 'keyword', unnest(keywords) from described
union all
select asset_id, 'place', personal_place from placed
union all
select asset_id, 'city', city from placed
union all
select asset_id, 'city', major_city from placed where major_city is distinct from city
union all
select asset_id, 'city_id', major_city_id::varchar from placed
union all
select asset_id, 'region', region from placed
union all
select asset_id, 'country', country from placed
union all
select asset_id, 'country', country_code from placed
union all
select asset_id, 'tag', tag.name from photo_tag join tag using (tag_id) join present using (content_hash)
union all
select asset_id, 'description', photo_note.description from photo_note join present using (content_hash)
union all
-- private: sql/serving/search/terms.sql keeps its words apart
select asset_id, 'insight', concat_ws(' ', told.title, told.summary)
from (
    select *
    from insight
    where deleted_at is null
    qualify insight_id = max(insight_id) over (partition by content_hash)
) as told
join present using (content_hash)
union all
select distinct asset_id, 'person', person.name
from face
join person using (person_id)
join present using (content_hash)
where not coalesce(person.is_ignored, false)
