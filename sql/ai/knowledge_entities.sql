-- People, places, events and things that are remembered, the latest changed first. Grain: one row per entity.
-- Parameters: $entity_id (null: all), $query ('' for all), $kind (null: all), $row_limit, $row_offset.
select
    entity.entity_id as id, entity.name, entity.kind, coalesce(entity.description, '') as description,
    (select count(*) from entity_fact where entity_fact.entity_id = entity.entity_id) as fact_count,
    (select count(*) from entity_photo where entity_photo.entity_id = entity.entity_id) as photo_count,
    entity.created_at, entity.updated_at
from entity
where ($entity_id::bigint is null or entity.entity_id = $entity_id::bigint)
    and ($kind::varchar is null or entity.kind = $kind::varchar)
    and ($query = '' or contains(lower(entity.name || ' ' || coalesce(entity.description, '')), lower($query)))
order by entity.updated_at desc, entity.entity_id desc
limit $row_limit offset $row_offset;
