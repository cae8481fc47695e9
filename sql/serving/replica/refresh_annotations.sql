-- Bring what people said of the pictures in `touched` into the timeline.
-- Grain: one row per row of `timeline` with such a content hash. Filled in: said.sql of those.
update timeline
set tag_ids = now_said.tag_ids,
    tag_key = if(now_said.tag_ids is null, 0, hash(now_said.tag_ids::varchar)),
    favorite_of = now_said.favorite_of,
    rating = coalesce(now_said.rating, timeline.file_rating)
from (select * from touched left join ({said}) using (content_hash)) as now_said
where timeline.content_hash = now_said.content_hash
