-- The best faces of everybody who is not ignored, enough for a mean. Grain: one row per face.
-- Parameters: $person_id (null: everybody).
select face.person_id, face.face_id
from face
join person using (person_id)
where not coalesce(person.is_ignored, false) and ($person_id is null or face.person_id = $person_id)
qualify row_number() over (
    partition by face.person_id, face.model_version order by face.confidence desc nulls last, face.face_id
) <= 24
order by all;
