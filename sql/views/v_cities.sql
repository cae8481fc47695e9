-- One row per city that a photo was taken in, with everything it is called.
create or replace view v_cities as
select
    city_id,          -- GeoNames' number
    name,             -- as v_places.major_city
    country_code,     -- ISO 3166-1 alpha-2
    population,       -- people
    names             -- its other names, in all languages GeoNames knows
from major_city;
