-- Nameless faces that look like a person, most alike first. Grain: one row per face.
-- Parameters: $mean, $model_version, $person_id, $min_cosine, $row_limit.
select face.face_id, list_inner_product(face_embedding.embedding, $mean::float[])::double as score
from face
join face_embedding using (face_id)
left join face_cluster using (cluster_id)
anti join face_rejection
    on face_rejection.face_id = face.face_id and face_rejection.person_id = $person_id
where face.person_id is null
    and face_embedding.model_version = $model_version
    and not coalesce(face_cluster.is_ignored, false)
    and list_inner_product(face_embedding.embedding, $mean::float[]) >= $min_cosine
order by score desc, face.face_id
limit $row_limit;
