-- Photos with a position, oldest first, as JSON. Grain: one row. Filled in: {conditions}.
select
    count(*) as total,
    coalesce(to_json(list(struct_pack(
        asset_id := timeline.asset_id,
        path := timeline.path,
        library_id := timeline.library_id,
        lat := timeline.latitude,
        lon := timeline.longitude,
        date_taken := floor(epoch(coalesce(timeline.taken_at_utc, timeline.taken_at)))::bigint
    ) order by timeline.order_at, timeline.asset_id))::varchar, '[]') as photos
from timeline
where timeline.latitude is not null and timeline.longitude is not null and {conditions}
