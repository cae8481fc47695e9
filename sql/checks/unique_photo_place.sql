-- A picture and position has one place.
select content_hash, latitude, longitude, count(*) as rows
from photo_place
group by all
having count(*) > 1;
