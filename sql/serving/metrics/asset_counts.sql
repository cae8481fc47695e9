-- Photos, RAWs and videos that are there. Grain: one row per library and media type.
select library.name as library, timeline.media_type, count(*) as assets, sum(timeline.size_bytes)::bigint as size_bytes
from timeline
join library using (library_id)
group by all
order by all;
