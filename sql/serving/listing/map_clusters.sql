-- Photos with a position, put together by cells of a grid. Grain: one row per cell that has any, the fullest first.
-- Filled in: {conditions}. Parameters: $step (degrees), $row_limit.
-- 180 degrees east is 180 degrees west: the same cell.
select
    count(*) as count,
    avg(latitude) as latitude,
    avg(east) as longitude,
    min(latitude) as south,
    max(latitude) as north,
    min(east) as west,
    max(east) as east,
    min(country_code) is distinct from max(country_code) as several_countries,
    arg_max(asset_id, (thumbnail_file is not null, order_at)) as cover_asset_id
from (
    select
        latitude, if(longitude >= 180, longitude - 360, longitude) as east, country_code, asset_id, thumbnail_file, order_at
    from timeline
    where latitude is not null and longitude is not null and {conditions}
)
group by floor((latitude + 90) / $step)::integer, floor((east + 180) / $step)::integer
order by count desc, cover_asset_id
limit $row_limit
