-- Photos per camera and year: which camera you used when.
select camera_make, camera_model, year(taken_at) as year, count(*) as photos
from v_assets
where media_type in ('photo', 'raw') and taken_at_source <> 'mtime' and missing_since is null
group by all
order by year, photos desc;
