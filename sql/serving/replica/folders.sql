-- How many photos lie directly in each folder, and the newest of them. Grain: one row per library and folder.
select
    library_id,
    parse_dirpath(path, 'forward_slash') as folder,
    count(*) as photos,
    max(order_at) as newest_at,
    arg_max(asset_id, (thumbnail_file is not null, order_at)) as cover_id
from timeline
where live_video_of is null and hidden_because is null
group by all;
