-- How many photos the timeline has in each month, newest first. Grain: one row per library and month.
select library_id, date_trunc('month', order_at)::timestamp as month, count(*) as photos
from timeline
group by all
order by month desc, library_id;
