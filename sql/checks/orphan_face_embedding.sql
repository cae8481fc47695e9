-- Vectors of faces that are gone.
select face_id from face_embedding anti join face using (face_id);
