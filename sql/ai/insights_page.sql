-- The insights that count, the latest first. Grain: one row per picture. Parameters: $row_limit, $row_offset.
with present as (
    select *
    from insight
    where deleted_at is null
    qualify insight_id = max(insight_id) over (partition by content_hash)
),
places as (
    select content_hash, arg_min(rel_path, asset_id) as file_path, arg_min(library, asset_id) as library
    from present_file
    where content_hash in (select content_hash from present)
    group by content_hash
)
select
    present.insight_id, present.content_hash, present.title, present.summary, present.generated_at,
    present.model as model_version, present.backend, present.made_by, insight_rating.rating,
    places.file_path, places.library
from present
left join insight_rating using (insight_id)
left join places using (content_hash)
order by present.insight_id desc
limit $row_limit offset $row_offset;
