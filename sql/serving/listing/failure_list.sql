-- What could not be done with files that are there. Grain: one row per asset and stage.
-- Parameters: $row_limit, $row_offset.
select
    failure.asset_id,
    library.name as library,
    timeline.path,
    failure.stage,
    failure.error_class,
    failure.message
from failure
join timeline using (asset_id)
join library using (library_id)
order by failure.asset_id desc, failure.stage
limit $row_limit
offset $row_offset;
