-- Tagged pictures whose tag is gone.
select content_hash, tag_id from photo_tag anti join tag using (tag_id);
