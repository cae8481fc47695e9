-- The same tag on the same picture twice.
select content_hash, tag_id, count(*) as rows from photo_tag group by all having count(*) > 1;
