-- All tags, and how many photos have each. Grain: one row per tag. Filled in: {conditions}. Parameters: theirs.
with alike as (
    select tag_key, count(*) as photos
    from timeline
    where {conditions}
    group by tag_key
),
used as (
    select tag_id, sum(photos)::bigint as photos
    from (select unnest(tag_set.tag_ids) as tag_id, alike.photos from alike join tag_set using (tag_key))
    group by tag_id
)
select tag.tag_id as id, tag.name, floor(epoch(tag.created_at))::bigint as created_time, coalesce(used.photos, 0) as count
from tag
left join used using (tag_id)
order by lower(tag.name), tag.tag_id
