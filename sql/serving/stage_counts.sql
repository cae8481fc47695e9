-- What is waiting and what failed, by library and stage. Grain: one row per library and stage.
-- Waiting is what has no result and no failure: the drains' own queries also look at recipes and tool versions.
select
    library.name as library,
    stage.name as stage,
    count(*) filter (stage.waiting and failure.asset_id is null) as backlog,
    count(failure.asset_id) as failed
from (
    select asset_id, library_id, 'hash' as name, content_hash is null as waiting from timeline
    union all
    select asset_id, library_id, 'metadata', content_hash is not null and not has_metadata from timeline
    union all
    select asset_id, library_id, 'thumbnail', content_hash is not null and thumbnail_file is null from timeline
    union all
    select asset_id, library_id, 'hls', content_hash is not null and hls_file is null from timeline
    where media_type = 'video'
    union all
    select asset_id, library_id, 'preview_clip', content_hash is not null and clip_file is null from timeline
    where media_type = 'video' or motion_video
) as stage
join library on library.library_id = stage.library_id
left join failure on failure.asset_id = stage.asset_id and failure.stage = stage.name
group by all
order by all;
