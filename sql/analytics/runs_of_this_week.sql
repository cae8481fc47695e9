-- What the flows did this week and how long it took.
select flow, library, state, started_at, finished_at - started_at as took, done, failed, message
from v_runs
where started_at > now()::timestamp - interval 7 day
order by started_at desc;
