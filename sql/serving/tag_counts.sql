-- All tags, and how many photos have each. Grain: one row per tag. Filled in: {conditions}. Parameters: theirs.
select tag.tag_id as id, tag.name, floor(epoch(tag.created_at))::bigint as created_time, coalesce(used.photos, 0) as count
from tag
left join (
    select tag_id, count(*) as photos
    from (select unnest(tag_ids) as tag_id from timeline where tag_ids is not null and {conditions})
    group by tag_id
) as used using (tag_id)
order by lower(tag.name), tag.tag_id
