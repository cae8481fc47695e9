-- The best faces of each group of one model, enough for its mean. Grain: one row per face. Parameters: $model_version.
select face.cluster_id, face_embedding.embedding
from face
join face_embedding using (face_id)
where face.cluster_id is not null and face_embedding.model_version = $model_version
qualify row_number() over (
    partition by face.cluster_id order by face.confidence desc nulls last, face.face_id
) <= 12;
