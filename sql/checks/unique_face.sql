-- Rows of face that share their number.
select face_id, count(*) as rows from face group by all having count(*) > 1;
