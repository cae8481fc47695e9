-- Positions whose refusals are counted twice.
select latitude, longitude, count(*) as rows from nominatim_refusal group by all having count(*) > 1;
