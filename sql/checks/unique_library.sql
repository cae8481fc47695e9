-- library rows that share their key.
select name, count(*) as rows from library group by all having count(*) > 1;
