-- entity_fact rows that share their key.
select fact_id, count(*) as rows from entity_fact group by all having count(*) > 1;
