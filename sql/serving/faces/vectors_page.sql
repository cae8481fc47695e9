-- Faces with their vectors, by number, from the lake. Grain: one row per face with a vector.
-- Parameters: $unassigned, $library_id (null: all), $row_limit, $row_offset.
select
    face.face_id as id, face.content_hash, face.x, face.y, face.width, face.height, face.confidence, face.source,
    face.person_id, face.cluster_id, face_embedding.model_version, face_embedding.embedding
from face
join face_embedding using (face_id)
where (not $unassigned or face.person_id is null)
    and face.content_hash in (
        select content_hash
        from present_file
        where $library_id is null or library_id = $library_id
    )
order by face.face_id
limit $row_limit
offset $row_offset;
