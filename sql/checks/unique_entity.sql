-- entity rows that share their key.
select entity_id, count(*) as rows from entity group by all having count(*) > 1;
