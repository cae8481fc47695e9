-- Live Photos: a still and a video with the same content identifier in the same folder, as in v_assets.
-- Grain: one row per `live_key` that has both; of several stills or videos the first is taken.
-- Filled in: a table or query with the columns of `timeline`.
select
    live_key,
    min(asset_id) filter (media_type <> 'video') as still_id,
    min(asset_id) filter (media_type = 'video') as video_id,
    arg_min_null(clip_file, asset_id) filter (media_type = 'video') as clip_file
from {source}
where live_key is not null
group by live_key
having still_id is not null and video_id is not null
