-- Pictures whose refusals are counted twice.
select content_hash, count(*) as rows from face_refusal group by all having count(*) > 1;
