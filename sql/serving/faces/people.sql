-- People and how many pictures show them, from the replica. Grain: one row per person.
-- Parameters: $person_id (null: all), $with_ignored.
select
    person.person_id as id,
    person.name,
    person.notes,
    person.entity_id,
    coalesce(cover.face_id, best.face_id) as cover_face_id,
    '/faces/' || coalesce(cover.face_id, best.face_id) || '/crop?v='
        || epoch_ms(coalesce(cover.recorded_at, best.recorded_at)) as cover_url,
    coalesce(person.created_from_tag, false) as created_from_tag,
    coalesce(person.is_ignored, false) as is_ignored,
    coalesce(best.faces, 0) as face_count,
    coalesce(best.photos, 0) as photo_count,
    person.created_at,
    person.updated_at
from person
left join face as cover on cover.face_id = person.cover_face_id and cover.person_id = person.person_id
left join (
    select
        face.person_id,
        count(*) as faces,
        count(distinct face.content_hash) as photos,
        arg_max(face.face_id, face.width * face.height * coalesce(face.confidence, 0.5)) as face_id,
        arg_max(face.recorded_at, face.width * face.height * coalesce(face.confidence, 0.5)) as recorded_at
    from face
    semi join timeline on timeline.content_hash = face.content_hash
    where face.person_id is not null and ($person_id is null or face.person_id = $person_id)
    group by face.person_id
) as best on best.person_id = person.person_id
where ($person_id is null or person.person_id = $person_id)
    and ($with_ignored or not coalesce(person.is_ignored, false))
order by photo_count desc, lower(person.name), person.person_id;
