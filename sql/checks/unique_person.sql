-- Rows of person that share their number.
select person_id, count(*) as rows from person group by all having count(*) > 1;
