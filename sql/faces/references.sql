-- The vectors of some people. Grain: one row per named face with a vector. Parameters: $persons.
select face.person_id, face_embedding.model_version, face_embedding.embedding
from face
join face_embedding using (face_id)
where face.person_id in (select unnest($persons::integer[]));
