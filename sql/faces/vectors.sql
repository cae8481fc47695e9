-- Everything the grouping of one model's faces needs. Grain: one row per face with a vector of that model.
-- Parameters: $model_version.
select
    face.face_id,
    coalesce(face.cluster_id, -1) as cluster_id,
    coalesce(face_cluster.by_user, false) as by_user,
    face.person_id is null and face.bound_by is null as nameless,
    face_embedding.embedding
from face
join face_embedding using (face_id)
left join face_cluster using (cluster_id)
where face_embedding.model_version = $model_version
order by face.face_id;
