-- Photos with a date, oldest first, as JSON in the shape of the Image API. Grain: one row.
-- Filled in: {conditions}. `date_taken`: seconds since 1970, UTC where a zone is known, else of the wall time.
select
    count(*) as total,
    coalesce(to_json(list(struct_pack(
        file_path := timeline.path,
        library_id := timeline.library_id,
        library_name := library.name,
        camera_model := timeline.camera_model,
        width := timeline.width,
        height := timeline.height,
        gps_latitude := timeline.latitude,
        gps_longitude := timeline.longitude,
        date_taken := floor(epoch(coalesce(timeline.taken_at_utc, timeline.taken_at)))::bigint
    ) order by timeline.taken_at, timeline.asset_id))::varchar, '[]') as photos
from timeline
join library using (library_id)
where timeline.taken_at is not null and {conditions}
