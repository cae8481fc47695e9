-- A picture has one perceptual hash.
select content_hash, count(*) as rows from perceptual_hash group by all having count(*) > 1;
