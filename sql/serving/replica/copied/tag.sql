-- Grain: one row per tag.
select tag_id, name, created_at from tag;
