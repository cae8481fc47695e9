-- Every face of some pictures. Grain: one row per face. Parameters: $hashes.
select face.*
from face
where face.content_hash in (select unnest($hashes::varchar[]))
order by face.face_id;
