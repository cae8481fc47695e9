-- Facts with what they are about and the picture they were learned from, the latest changed first.
-- Grain: one row per fact. Parameters: $fact_id, $entity_id (null: all), $row_limit.
select
    entity_fact.fact_id as id, entity_fact.entity_id, entity.name as entity_name, entity_fact.fact,
    entity_fact.confidence, entity_fact.source, seen.path, seen.library,
    entity_fact.created_at, entity_fact.updated_at
from entity_fact
join entity using (entity_id)
left join (
    select content_hash, arg_min(rel_path, asset_id) as path, arg_min(library, asset_id) as library
    from present_file
    where content_hash in (select content_hash from entity_fact)
    group by content_hash
) as seen using (content_hash)
where ($fact_id::bigint is null or entity_fact.fact_id = $fact_id::bigint)
    and ($entity_id::bigint is null or entity_fact.entity_id = $entity_id::bigint)
order by entity_fact.updated_at desc, entity_fact.fact_id desc
limit $row_limit;
