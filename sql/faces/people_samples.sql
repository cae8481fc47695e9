-- The best faces of everybody who is not ignored, enough for a mean. Grain: one row per face.
select face.person_id, face_embedding.model_version, face_embedding.embedding
from face
join face_embedding using (face_id)
join person using (person_id)
where not coalesce(person.is_ignored, false)
qualify row_number() over (
    partition by face.person_id, face_embedding.model_version order by face.confidence desc nulls last, face.face_id
) <= 24;
