-- A page of the photos with a date, oldest first, as JSON in the shape of the Image API; and how many there are.
-- Grain: one row. `date_taken`: seconds since 1970, UTC where a zone is known, else of the wall time.
-- Filled in: {conditions}. Parameters: $row_limit, $row_offset and those of the conditions.
with page as (
    select *
    from timeline
    where timeline.taken_at is not null and {conditions}
    order by timeline.taken_at, timeline.asset_id
    limit $row_limit
    offset $row_offset
)
select
    (select count(*) from timeline where timeline.taken_at is not null and {conditions}) as total,
    coalesce(to_json(list(struct_pack(
        file_path := page.path,
        library_id := page.library_id,
        library_name := page.library,
        camera_model := page.camera_model,
        width := page.width,
        height := page.height,
        gps_latitude := page.latitude,
        gps_longitude := page.longitude,
        date_taken := floor(epoch(coalesce(page.taken_at_utc, page.taken_at)))::bigint
    ) order by page.taken_at, page.asset_id))::varchar, '[]') as photos
from page
