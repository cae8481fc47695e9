-- account rows that share their key.
select name, count(*) as rows from account group by all having count(*) > 1;
