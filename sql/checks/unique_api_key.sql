-- Keys that share their beginning, by which they are found.
select prefix, count(*) as rows from api_key group by all having count(*) > 1;
