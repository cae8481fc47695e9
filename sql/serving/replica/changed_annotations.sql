-- Pictures that have just been listed anew and of which something was said before.
-- Grain: one row per content hash. Sees: incoming (rows for `timeline`).
select distinct content_hash
from incoming
where content_hash in (
    select content_hash from photo_tag
    union all select content_hash from favorite
    union all select content_hash from photo_note
)
