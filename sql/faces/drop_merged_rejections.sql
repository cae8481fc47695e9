-- What was said of the one that is gone, and of faces that are the other's by now. Parameters: $source, $target.
delete from face_rejection
where person_id = $source
    or (person_id = $target and face_id in (select face_id from face where person_id = $target));
