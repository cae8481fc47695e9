-- People who share their name, in any case.
select lower(name) as name, count(*) as rows from person group by all having count(*) > 1;
