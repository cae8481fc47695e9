-- Groups of nameless faces, largest first, from the replica. Grain: one row per group.
-- Parameters: $min_size, $with_ignored, $cluster_id (null: all), $row_limit, $row_offset.
select
    face.cluster_id as id,
    count(*) as size,
    count(distinct face.content_hash) as photo_count,
    arg_max(face.face_id, coalesce(face.confidence, 0) * face.width * face.height) as cover_face_id,
    list(face.face_id order by coalesce(face.confidence, 0) * face.width * face.height desc, face.face_id)[:6]
        as sample_face_ids,
    any_value(coalesce(face_cluster.is_ignored, false)) as is_ignored,
    any_value(face.model_version) as model_version
from face
left join face_cluster using (cluster_id)
semi join timeline on timeline.content_hash = face.content_hash
where face.cluster_id is not null
    and face.person_id is null
    and ($cluster_id is null or face.cluster_id = $cluster_id)
    and ($with_ignored or not coalesce(face_cluster.is_ignored, false))
group by face.cluster_id
having count(*) >= $min_size
order by size desc, id
limit $row_limit
offset $row_offset;
