-- What is remembered under a name. Grain: one row per entity. Parameters: $query, $row_limit.
select entity_id, name, kind, description
from entity
where $query = '' or contains(lower(name || ' ' || coalesce(description, '')), lower($query))
order by lower(name) = lower($query) desc, updated_at desc, entity_id
limit $row_limit;
