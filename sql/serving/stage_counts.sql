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
) as stage
join library on library.library_id = stage.library_id
left join failure on failure.asset_id = stage.asset_id and failure.stage = stage.name
group by all
order by all;
