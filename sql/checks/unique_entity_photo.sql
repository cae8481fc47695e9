-- entity_photo rows that share their key.
select entity_id, content_hash, count(*) as rows from entity_photo group by all having count(*) > 1;
