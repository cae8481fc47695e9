-- Facts about an entity, or learned from a picture. Grain: one row per fact. Parameters: $entity_id, $content_hash, $row_limit.
select entity_fact.fact_id, entity_fact.entity_id, entity.name, entity_fact.fact, entity_fact.confidence
from entity_fact
join entity using (entity_id)
where ($entity_id::bigint is null or entity_fact.entity_id = $entity_id::bigint)
    and ($content_hash::varchar is null or entity_fact.content_hash = $content_hash::varchar)
order by entity_fact.confidence desc, entity_fact.updated_at desc
limit $row_limit;
