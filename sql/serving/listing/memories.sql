-- Photos of the same days of all years, newest year first, as JSON. Grain: one row per photo.
-- Filled in: {conditions}, {year} (serving/listing/memories.py), photo_fields.sql. Parameters: $row_limit, $asker and theirs.
-- Where there are more than the limit, every year gives as many as the others.
with found as (
    select asset_id, {year} as memory_year, row_number() over (partition by memory_year order by taken_at, asset_id) as place
    from timeline
    where {conditions}
),
page as (
    select found.memory_year, found.photos, timeline.*
    from (
        select asset_id, memory_year, count(*) over (partition by memory_year) as photos
        from found
        order by place, memory_year desc
        limit $row_limit
    ) as found
    join timeline using (asset_id)
)
select
    page.memory_year,
    page.photos,
    to_json(struct_pack(
{photo},
        created := floor(epoch(coalesce(page.taken_at_utc, page.taken_at)))::bigint,
        modified := floor(epoch(page.modified_at))::bigint,
        year := page.memory_year
    ))::varchar as photo
from page
order by page.memory_year desc, page.taken_at, page.asset_id
