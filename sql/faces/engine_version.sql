-- The model whose answer was recorded last, for engines that name it only with an answer. Grain: at most one row.
select model_version
from face_scan
where status <> 'failed' and not starts_with(model_version, 'regions-')
order by recorded_at desc
limit 1;
