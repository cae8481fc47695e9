-- Positions Nominatim gave no answer for yet, those with most photos first, those it refused last.
-- Grain: one row per 11 m. Parameters: $row_limit.
select
    round(photo_place.latitude, 4) as latitude,
    round(photo_place.longitude, 4) as longitude,
    coalesce(max(refusal.refusals), 0) as refusals,
    count(*) as photos
from photo_place
anti join nominatim_answer as answer
    on answer.latitude = round(photo_place.latitude, 4) and answer.longitude = round(photo_place.longitude, 4)
left join nominatim_refusal as refusal
    on refusal.latitude = round(photo_place.latitude, 4) and refusal.longitude = round(photo_place.longitude, 4)
group by 1, 2
order by refusals, photos desc, 1, 2
limit $row_limit;
