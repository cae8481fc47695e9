-- A page of the photos with a position, oldest first, as JSON; and how many there are. Grain: one row.
-- Filled in: {conditions}. Parameters: $row_limit, $row_offset and those of the conditions.
with page as (
    select *
    from timeline
    where timeline.latitude is not null and timeline.longitude is not null and {conditions}
    order by timeline.order_at, timeline.asset_id
    limit $row_limit
    offset $row_offset
)
select
    (
        select count(*) from timeline
        where timeline.latitude is not null and timeline.longitude is not null and {conditions}
    ) as total,
    coalesce(to_json(list(struct_pack(
        asset_id := page.asset_id,
        path := page.path,
        library_id := page.library_id,
        lat := page.latitude,
        lon := page.longitude,
        date_taken := floor(epoch(coalesce(page.taken_at_utc, page.taken_at)))::bigint
    ) order by page.order_at, page.asset_id))::varchar, '[]') as photos
from page
