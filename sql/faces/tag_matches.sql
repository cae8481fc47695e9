-- Faces that nobody has named, on pictures with the tag or keyword of exactly one person who is not ignored; a name
-- that a person had once counts as well. Names are folded as `same_name` (tasks/faces/record.py) folds them.
-- Of people whose faces were all found by tag, these as well (the 200 on pictures with fewest faces): which of them is
-- right is decided anew. Grain: one row per face. Parameters: $persons (null: everybody).
with candidate as (
    select face.*
    from face
    where (face.person_id is null and face.bound_by is null) or face.bound_by = 'auto'
),
firm as (
    select distinct face.person_id
    from face
    semi join face_embedding using (face_id)
    where face.bound_by <> 'auto'
),
word as (
    select photo_tag.content_hash, tag.name
    from photo_tag
    join tag using (tag_id)
    semi join candidate on candidate.content_hash = photo_tag.content_hash
    union
    select metadata.content_hash, unnest(metadata.keywords) as name
    from metadata
    semi join candidate on candidate.content_hash = metadata.content_hash
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
),
matched as (
    select
        candidate.face_id,
        candidate.content_hash,
        tagged.person_id,
        face_embedding.model_version,
        candidate.width * candidate.height as area,
        count(*) over (partition by candidate.content_hash) as faces,
        candidate.bound_by is not null as is_bound,
        face_embedding.embedding
    from candidate
    join tagged using (content_hash)
    join face_embedding using (face_id)
    anti join face_rejection
        on face_rejection.face_id = candidate.face_id and face_rejection.person_id = tagged.person_id
    left join firm on firm.person_id = tagged.person_id
    where ($persons is null or tagged.person_id in (select unnest($persons::integer[])))
        and (candidate.bound_by is null or (candidate.person_id = tagged.person_id and firm.person_id is null))
)
select *
from matched
qualify bool_or(not is_bound) over (partition by person_id)
    and (not is_bound or row_number() over (partition by person_id, is_bound order by faces, face_id) <= 200)
order by face_id;
