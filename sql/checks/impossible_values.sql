-- Values that no file can have.
select asset_id
from metadata
where latitude not between -90 and 90
    or longitude not between -180 and 180
    or (latitude is null) <> (longitude is null)
    or (latitude = 0 and longitude = 0)
    or width <= 0
    or height <= 0
    or orientation not between 1 and 8
    or exposure_time_s < 0
    or f_number < 0
    or duration_s < 0;
