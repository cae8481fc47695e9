-- The vectors some people are recognised by: all of theirs, once somebody (or a file) named one of their faces. Those of
-- people who only have names found by tag are candidates: tag_matches.sql. Grain: one row per named face with a vector.
-- Parameters: $persons.
select face.person_id, face_embedding.model_version, face_embedding.embedding
from face
join face_embedding using (face_id)
where face.person_id in (select unnest($persons::integer[]))
    and face.person_id in (
        select named.person_id from face as named semi join face_embedding using (face_id) where named.bound_by <> 'auto'
    );
