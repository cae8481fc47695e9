-- One row per fact that is remembered about a person, place, event or thing.
create or replace view v_facts as
select
    entity.entity_id,          -- number of what it is about
    entity.name,               -- its name
    entity.kind,               -- person, place, event, thing
    entity.description,        -- in a few words
    entity_fact.fact,          -- one sentence; null where nothing more is known
    entity_fact.confidence,    -- 0 to 1
    entity_fact.content_hash,  -- the picture it was learned from
    entity_fact.updated_at     -- UTC
from entity
left join entity_fact using (entity_id);
