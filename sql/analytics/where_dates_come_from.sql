-- Where dates come from: how far the timeline can be trusted.
select taken_at_source, count(*) as files, count(time_zone) as with_a_zone, min(taken_at) as earliest, max(taken_at) as latest
from v_assets
where missing_since is null
group by all
order by files desc;
