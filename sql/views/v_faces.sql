-- One row per face at a place: faces hang on the picture, so copies of one have the same.
create or replace view v_faces as
select
    face.face_id,                 -- number; kept when models change
    file.library,                 -- name of its library
    file.rel_path as path,        -- relative to the library's root
    face.x,                       -- 0 to 1 of the upright picture, from the left
    face.y,                       -- 0 to 1, from the top
    face.width,                   -- 0 to 1
    face.height,                  -- 0 to 1
    face.confidence,              -- the detector's, 0 to 1; null for what was drawn or read from metadata
    face.source,                  -- auto, manual, region (from the file's own metadata)
    person.name as person,        -- null while it is nobody's
    face.bound_by,                -- who named it: auto, user, region
    face.cluster_id,              -- group of faces that look like one person
    face.model_version,           -- of its vector; null without one
    face.at_seconds,              -- videos: where in the preview clip
    face.recorded_at,             -- UTC
    face.content_hash,            -- of the picture
    face.person_id,               -- number of the person
    file.asset_id                 -- number of the asset
from face
join present_file as file using (content_hash)
left join person using (person_id);
