-- Pictures of which something was said, and all that have a sidecar, since an earlier export may be in it.
-- Grain: one row per file. Parameters: $library ('all' or a name).
select
    file.asset_id,
    file.library,
    file.root_path,
    file.rel_path as path,
    file.media_type,
    file.mime_type,
    file.size_bytes,
    file.mtime_ns,
    file.sidecar,
    count(*) over (
        partition by file.library_id, parse_dirpath(file.rel_path, 'forward_slash'), nullif(file.sidecar, '')
    ) > 1 and file.sidecar <> '' as sidecar_is_shared,
    coalesce(tagged.tags, []) as tags,
    photo_note.rating,
    photo_note.description,
    coalesce(metadata.keywords, []) as keywords,
    coalesce(named.people, []) as people
from present_file as file
left join metadata on metadata.asset_id = file.asset_id and metadata.content_hash = file.content_hash
left join photo_note on photo_note.content_hash = file.content_hash
left join (
    select photo_tag.content_hash, list(tag.name order by lower(tag.name), tag.tag_id) as tags
    from photo_tag join tag using (tag_id)
    group by photo_tag.content_hash
) as tagged on tagged.content_hash = file.content_hash
left join (
    select
        face.content_hash,
        list({name: person.name, x: face.x, y: face.y, width: face.width, height: face.height} order by face.face_id)
            as people
    from face join person using (person_id)
    where face.at_seconds is null and not coalesce(person.is_ignored, false)
    group by face.content_hash
) as named on named.content_hash = file.content_hash
where ($library = 'all' or file.library = $library)
    and (file.sidecar <> '' or tagged.tags is not null or named.people is not null
        or photo_note.content_hash is not null)
order by file.library, file.rel_path;
