-- Photos by their numbers, in any order, from the replica; also hidden ones. Grain: one row per photo that is there.
-- Filled in by serving/listing/timeline.py: {sort_key}, {asset_ids}, photo_fields.sql. Parameters: $asker (account_id, or -1).
-- The numbers stand in the text and nothing sorts: only so does DuckDB take them to its index. 8 ms for 100 photos
-- anywhere in a million; with an `order by`, or the numbers as a parameter, all of the timeline is read (105 ms).
with page as (
    select *, {sort_key} as sort_key
    from timeline
    where timeline.asset_id in ({asset_ids})
)
select
    page.sort_key,
    page.asset_id,
    to_json(struct_pack(
{photo}
    ))::varchar as photo
from page
