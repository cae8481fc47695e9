-- One row per photo, RAW or video and tag it was given. Copies of a picture share its tags.
create or replace view v_tags as
select
    tag.name as tag,                  -- as people wrote it; unique in any case
    file.library,                     -- name of its library
    file.rel_path as path,            -- relative to the library's root
    photo_tag.added_by,               -- account that tagged it
    photo_tag.added_at,               -- UTC
    photo_tag.content_hash,           -- what the tag hangs on: it survives moves and renames
    tag.tag_id,                       -- number of the tag
    file.asset_id                     -- number of the asset
from photo_tag
join tag using (tag_id)
join present_file as file using (content_hash);
