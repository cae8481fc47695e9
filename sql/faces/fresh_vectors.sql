-- Nameless faces in no group yet. Grain: one row per face with a vector.
select face.face_id, face_embedding.model_version, face_embedding.embedding
from face
join face_embedding using (face_id)
where face.cluster_id is null and face.person_id is null and face.bound_by is null
order by face.face_id;
