-- conversation rows that share their key.
select conversation_id, count(*) as rows from conversation group by all having count(*) > 1;
