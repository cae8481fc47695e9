-- Groups of faces that had none. Parameters: $faces, $clusters: lists of the same length.
update face
set cluster_id = matched.cluster_id
from (select unnest($faces::bigint[]) as face_id, unnest($clusters::bigint[]) as cluster_id) as matched
where face.face_id = matched.face_id;
