-- One row per person, the ignored ones too.
create or replace view v_persons as
select
    person.person_id,             -- number
    person.name,                  -- unique in any case
    person.notes,                 -- as somebody wrote them
    coalesce(person.is_ignored, false) as is_ignored,  -- left out of lists and matching
    coalesce(person.created_from_tag, false) as created_from_tag,  -- made from a tag's name
    coalesce(known.faces, 0) as faces,     -- how many faces carry the name
    coalesce(known.pictures, 0) as pictures,  -- in how many different pictures
    person.created_at,            -- UTC
    person.updated_at             -- UTC
from person
left join (
    select person_id, count(*) as faces, count(distinct content_hash) as pictures
    from face
    where person_id is not null
    group by person_id
) as known using (person_id);
