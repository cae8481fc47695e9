-- The service takes these pictures now. Parameters: $hashes.
delete from face_refusal where content_hash in (select unnest($hashes::varchar[]));
