-- Which of some faces may be a person's: nobody's, in no group that is ignored, and nobody said no.
-- Grain: one row per face. Parameters: $faces, $person_id.
select face.face_id
from face
left join face_cluster using (cluster_id)
anti join face_rejection on face_rejection.face_id = face.face_id and face_rejection.person_id = $person_id
where face.face_id in (select unnest($faces::bigint[]))
    and face.person_id is null
    and not coalesce(face_cluster.is_ignored, false);
