-- Faces that nobody has named, on pictures with the tag or keyword of exactly one person who is not ignored; a name
-- that a person had once counts as well. Names are folded as `same_name` (tasks/faces/record.py) folds them.
-- Grain: one row per face.
with nameless as (
    select face.*
    from face
    where face.person_id is null and face.bound_by is null
),
word as (
    select photo_tag.content_hash, tag.name
    from photo_tag
    join tag using (tag_id)
    semi join nameless on nameless.content_hash = photo_tag.content_hash
    union
    select metadata.content_hash, unnest(metadata.keywords) as name
    from metadata
    semi join nameless on nameless.content_hash = metadata.content_hash
    where len(metadata.keywords) > 0
),
called as (
    select replace(lower(trim(regexp_replace(name, '\s+', ' ', 'g'))), 'ß', 'ss') as name_key, person_id from person
    union all
    select name_key, person_id
    from person_alias
    anti join person on replace(lower(trim(regexp_replace(person.name, '\s+', ' ', 'g'))), 'ß', 'ss') = person_alias.name_key
    where person_alias.person_id is not null
),
tagged as (
    select word.content_hash, min(person.person_id) as person_id
    from word
    join called on called.name_key = replace(lower(trim(regexp_replace(word.name, '\s+', ' ', 'g'))), 'ß', 'ss')
    join person on person.person_id = called.person_id and not coalesce(person.is_ignored, false)
    group by word.content_hash
    having count(distinct person.person_id) = 1
)
select
    nameless.face_id,
    nameless.content_hash,
    tagged.person_id,
    face_embedding.model_version,
    nameless.width * nameless.height as weight,
    face_embedding.embedding
from nameless
join tagged using (content_hash)
join face_embedding using (face_id)
anti join face_rejection
    on face_rejection.face_id = nameless.face_id and face_rejection.person_id = tagged.person_id
order by nameless.face_id;
