-- Tags that share their name, in any case.
select lower(name) as name, count(*) as rows from tag group by all having count(*) > 1;
