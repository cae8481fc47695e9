-- insight rows that share their key.
select insight_id, count(*) as rows from insight group by all having count(*) > 1;
