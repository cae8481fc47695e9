-- What each lens is used for: how often, between which focal lengths, at which usual aperture.
select
    lens_model,
    count(*) as photos,
    min(focal_length_mm) as shortest_mm,
    max(focal_length_mm) as longest_mm,
    median(f_number) as usual_f_number
from v_assets
where lens_model is not null
group by all
order by photos desc;
