-- How many photos the timeline has in each month, newest first. Grain: one row per library and month.
-- The video of a Live Photo is not counted beside its still, and what somebody hid is not counted at all.
select
    library_id,
    date_trunc('month', order_at)::timestamp as month,
    count(*) as photos,
    count(*) filter (broken) as broken  -- of these: they could not be read or shown
from timeline
where live_video_of is null and hidden_because is null
group by all
order by month desc, library_id;
