-- The vectors of some faces. Grain: one row per face that has one. Parameters: $faces.
select face_id, model_version, embedding
from face_embedding
where face_id in (select unnest($faces::bigint[]));
