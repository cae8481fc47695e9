-- Give a tag to the pictures in `picked` that lack it. Grain: one row per picture.
-- Parameters: $tag_id, $added_by, $added_at. Answers with how many.
insert into photo_tag by name
select picked.content_hash, $tag_id::integer as tag_id, $added_by::varchar as added_by, $added_at::timestamp as added_at
from picked
anti join (select content_hash from photo_tag where tag_id = $tag_id) as known using (content_hash);
