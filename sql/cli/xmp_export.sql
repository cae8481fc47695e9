-- Pictures of which something was said, and all that have a sidecar, since an earlier export may be in it.
-- Grain: one row per asset. Parameters: $library ('all' or a name).
select
    asset.asset_id,
    library.name as library,
    library.root_path,
    asset.rel_path as path,
    fingerprint.media_type,
    fingerprint.mime_type,
    asset.size_bytes,
    asset.mtime_ns,
    asset.sidecar,
    count(*) over (
        partition by asset.library_id, parse_dirpath(asset.rel_path, 'forward_slash'), nullif(asset.sidecar, '')
    ) > 1 and asset.sidecar <> '' as sidecar_is_shared,
    coalesce(tagged.tags, []) as tags,
    photo_note.rating,
    photo_note.description,
    coalesce(metadata.keywords, []) as keywords,
    coalesce(named.people, []) as people
from asset
join library using (library_id)
join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
left join metadata on metadata.asset_id = asset.asset_id and metadata.content_hash = fingerprint.content_hash
left join photo_note on photo_note.content_hash = fingerprint.content_hash
left join (
    select photo_tag.content_hash, list(tag.name order by lower(tag.name), tag.tag_id) as tags
    from photo_tag join tag using (tag_id)
    group by photo_tag.content_hash
) as tagged on tagged.content_hash = fingerprint.content_hash
left join (
    select
        face.content_hash,
        list({name: person.name, x: face.x, y: face.y, width: face.width, height: face.height} order by face.face_id)
            as people
    from face join person using (person_id)
    where face.at_seconds is null and not coalesce(person.is_ignored, false)
    group by face.content_hash
) as named on named.content_hash = fingerprint.content_hash
where asset.missing_since is null
    and ($library = 'all' or library.name = $library)
    and (asset.sidecar <> '' or tagged.tags is not null or named.people is not null
        or photo_note.content_hash is not null)
order by library.name, asset.rel_path;
