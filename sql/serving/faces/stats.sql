-- How far faces are, over distinct pictures. Grain: one row. Parameters: $library_id (null: all).
with picture as (
    select distinct content_hash
    from timeline
    where content_hash is not null and media_type <> 'video' and ($library_id is null or library_id = $library_id)
),
scan as (
    select content_hash, arg_max(status, recorded_at) as status
    from face_scan
    where not starts_with(model_version, 'regions-')
    group by content_hash
),
seen as (
    select
        face.content_hash, count(*) as faces, count(*) filter (face.person_id is null) as unnamed
    from face
    semi join picture using (content_hash)
    group by face.content_hash
)
select
    count(*) as total_photos,
    count(scan.content_hash) as scanned,
    count(seen.content_hash) as with_faces,
    count(*) filter (scan.status = 'no_faces' and seen.content_hash is null) as no_faces,
    count(*) filter (scan.status = 'failed') as failed,
    coalesce(sum(seen.faces), 0)::bigint as faces,
    coalesce(sum(seen.unnamed), 0)::bigint as unassigned,
    (select count(*) from person where not coalesce(is_ignored, false)) as persons
from picture
left join scan using (content_hash)
left join seen using (content_hash);
