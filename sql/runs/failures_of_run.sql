-- What a run could not do. Grain: one row per asset and stage, at most 200. Parameters: $run_id.
select library, path, stage, error_class, message, attempts
from v_failures
where run_id = $run_id
order by path, stage
limit 200;
