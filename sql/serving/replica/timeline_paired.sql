-- The staged rows with the other half of their Live Photo and what people said of them, newest first: how the replica
-- stores the timeline. Grain: one row per present asset. Filled in: live_pairs.sql, said.sql.
select
    staged.* replace (coalesce(said.rating, staged.rating) as rating),
    said.tag_ids,
    if(said.tag_ids is null, 0, hash(said.tag_ids::varchar)) as tag_key,  -- of the text: hashes of lists collide
    said.favorite_of,
    case when staged.asset_id = pair.video_id then pair.still_id end as live_video_of,  -- not shown beside its still
    case when staged.asset_id = pair.still_id then pair.video_id end as live_video,
    case when staged.asset_id = pair.still_id then pair.clip_file end as live_clip_file
from staged
left join ({pairs}) as pair using (live_key)
left join ({said}) as said using (content_hash)
order by staged.order_at desc, staged.asset_id desc
