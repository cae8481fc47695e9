-- Rows of face_embedding that share their number.
select face_id, count(*) as rows from face_embedding group by all having count(*) > 1;
