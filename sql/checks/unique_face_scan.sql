-- Pictures looked at twice with one model.
select content_hash, model_version, count(*) as rows from face_scan group by all having count(*) > 1;
