-- Grain: one row per face and person it is not.
select face_id, person_id from face_rejection;
