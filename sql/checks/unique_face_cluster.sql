-- Rows of face_cluster that share their number.
select cluster_id, count(*) as rows from face_cluster group by all having count(*) > 1;
