-- A city has one row.
select city_id, count(*) as rows from major_city group by all having count(*) > 1;
