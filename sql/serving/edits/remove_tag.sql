-- Take a tag from the pictures in `picked`. Grain: one row per picture. Parameters: $tag_id.
delete from photo_tag where tag_id = $tag_id and content_hash in (select content_hash from picked);
