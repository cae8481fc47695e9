-- Find the Live Photos anew among rows whose live_key is in `touched`: one half has come, changed or gone.
-- Grain: one row per row of `timeline` with such a key. Filled in: live_pairs.sql of those keys.
update timeline
set live_video_of = case when timeline.asset_id = pair.video_id then pair.still_id end,
    live_video = case when timeline.asset_id = pair.still_id then pair.video_id end,
    live_clip_file = case when timeline.asset_id = pair.still_id then pair.clip_file end
from (select * from touched left join ({pairs}) using (live_key)) as pair
where timeline.live_key = pair.live_key
