-- Where pictures were taken, in squares of about ten kilometres.
select
    round(latitude, 1) as latitude,
    round(longitude, 1) as longitude,
    count(*) as pictures,
    min(taken_at) as first_taken,
    max(taken_at) as last_taken
from v_assets
where latitude is not null and missing_since is null
group by all
order by pictures desc;
