-- One row per picture and position that was named: where it was taken, in words.
create or replace view v_places as
select
    content_hash,     -- BLAKE3 of the picture
    latitude,         -- degrees, north positive; the position that was looked up
    longitude,        -- degrees, east positive
    country_code,     -- ISO 3166-1 alpha-2; null far from anywhere
    country,          -- English name
    region,           -- state or province
    city,             -- nearest town
    major_city,       -- the largest city whose area holds the position; its other names: v_cities
    personal_place,   -- the user's own name for the place, from Apollo
    source,           -- offline (GeoNames), nominatim
    recipe,           -- data, rules and personal places it was found with
    recorded_at       -- UTC
from photo_place;
