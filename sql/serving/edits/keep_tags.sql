-- The kept picture has all tags of the ones hidden in its favour. Parameters: $kept (content hash), $hidden (hashes).
insert into photo_tag by name
select $kept::varchar as content_hash, tag_id, added_by, added_at
from photo_tag
where list_contains($hidden::varchar[], content_hash)
    and tag_id not in (select tag_id from photo_tag where content_hash = $kept)
qualify row_number() over (partition by tag_id order by added_at, content_hash) = 1;
