-- Grain: one row per picture and tag.
select content_hash, tag_id from photo_tag;
