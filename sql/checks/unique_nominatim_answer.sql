-- A position has one answer of Nominatim.
select latitude, longitude, count(*) as rows from nominatim_answer group by all having count(*) > 1;
