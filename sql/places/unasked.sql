-- Positions Nominatim was never asked for, those with most photos first. Grain: one row per 11 m. Parameters: $row_limit.
select round(latitude, 4) as latitude, round(longitude, 4) as longitude, count(*) as photos
from photo_place
anti join nominatim_answer as answer
    on answer.latitude = round(photo_place.latitude, 4) and answer.longitude = round(photo_place.longitude, 4)
group by 1, 2
order by photos desc, 1, 2
limit $row_limit;
