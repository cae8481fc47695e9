-- A page of the timeline as JSON, from the replica. Grain: one row per photo, in order.
-- Filled in by serving/listing/timeline.py: {sort_key}, {conditions}, {direction}, photo_fields.sql. Parameters:
-- $row_limit, $row_offset, $asker (account_id, or -1) and those of the conditions. The page keeps its order on the way
-- out: sorting it once more costs a tenth of the answer.
with page as (
    select *, {sort_key} as sort_key
    from timeline
    where {conditions}
    order by sort_key {direction}, asset_id {direction}
    limit $row_limit
    offset $row_offset
)
select
    page.sort_key::varchar as sort_key,
    page.asset_id,
    to_json(struct_pack(
{photo}
    ))::varchar as photo
from page
