-- The user's own places as Apollo told them last. Grain: one row per place.
select place_id, name, latitude, longitude, radius_m from personal_place order by place_id;
