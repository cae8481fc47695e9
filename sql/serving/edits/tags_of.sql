-- The tags of one picture, by name. Grain: one row per tag. Parameters: $content_hash.
select tag.tag_id as id, tag.name, floor(epoch(tag.created_at))::bigint as created_time
from photo_tag
join tag using (tag_id)
where photo_tag.content_hash = $content_hash
order by lower(tag.name), tag.tag_id;
