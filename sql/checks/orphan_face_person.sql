-- Faces named after nobody there is.
select face_id, person_id from face anti join person using (person_id) where face.person_id is not null;
