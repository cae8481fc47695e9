-- Photos for the agent: by words in path and camera, and by day. Grain: one row per photo. Parameters: $words, $first_day, $last_day, $row_limit.
select asset_id, path, library, media_type, taken_at, camera_model, latitude, longitude
from timeline
where len(list_filter($words::varchar[], lambda word: not contains(lower(concat_ws(' ', path, camera_make, camera_model)), word))) = 0
    and ($first_day::date is null or order_at >= $first_day::date)
    and ($last_day::date is null or order_at < $last_day::date + 1)
    and live_video_of is null
order by order_at desc
limit $row_limit;
