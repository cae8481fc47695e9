-- Names that were found by tag and that later pictures speak against. Parameters: $faces.
update face
set person_id = null, bound_by = null
where bound_by = 'auto' and face_id in (select unnest($faces::bigint[]));
