-- What came in during the last week.
select library, path, media_type, taken_at, first_seen_at
from v_assets
where first_seen_at > now()::timestamp - interval 7 day
order by first_seen_at desc, path;
