-- How many photos of a filter each month has, newest first. Grain: one row per month. Filled in: {conditions}.
select date_trunc('month', order_at)::timestamp as month, count(*) as photos
from timeline
where {conditions}
group by all
order by month desc
