-- insight_rating rows that share their key.
select insight_id, count(*) as rows from insight_rating group by all having count(*) > 1;
