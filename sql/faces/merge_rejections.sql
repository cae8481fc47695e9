-- Faces that are not the one are not the other either. Parameters: $source, $target: persons; the faces are merged.
insert into face_rejection by name
select moved.face_id, $target::integer as person_id, moved.rejected_by, moved.rejected_at
from face_rejection as moved
anti join face_rejection as own on own.face_id = moved.face_id and own.person_id = $target
where moved.person_id = $source;
