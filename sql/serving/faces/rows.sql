-- Faces as clients see them, from the replica; {conditions} are ours. Grain: one row per face.
-- A picture with copies is shown at the first place it has. Parameters: those of the conditions, $row_limit, $row_offset.
select
    face.face_id as id,
    struct_pack(x := face.x, y := face.y, w := face.width, h := face.height) as bbox,
    face.confidence,
    face.source,
    face.person_id,
    coalesce(person.name, null) as person_name,
    coalesce(person.is_ignored, false) as person_ignored,
    face.bound_by,
    face.model_version,
    face.cluster_id,
    face.region_name,
    face.at_seconds,
    face.content_hash,
    photo.asset_id,
    photo.path,
    photo.library_id,
    '/faces/' || face.face_id || '/crop?v=' || epoch_ms(face.recorded_at) as crop_url
from face
left join person using (person_id)
left join (
    select content_hash, arg_min(struct_pack(asset_id := asset_id, path := path, library_id := library_id), asset_id) as place
    from timeline
    where content_hash in (select face.content_hash from face where {conditions})
    group by content_hash
) as shown on shown.content_hash = face.content_hash
left join lateral (select shown.place.asset_id, shown.place.path, shown.place.library_id) as photo on true
where {conditions}
order by {order}
limit $row_limit
offset $row_offset;
