-- conversation_message rows that share their key.
select conversation_id, position, count(*) as rows from conversation_message group by all having count(*) > 1;
