-- Names found by tag. Parameters: $faces, $persons: lists of the same length.
update face
set person_id = matched.person_id, bound_by = 'auto'
from (select unnest($faces::bigint[]) as face_id, unnest($persons::integer[]) as person_id) as matched
where face.face_id = matched.face_id and face.person_id is null and face.bound_by is null;
