-- Two answers to who is meant by a name.
select name_key, count(*) as rows from person_alias group by all having count(*) > 1;
