-- Tags and keywords with how many pictures have them, from the lake. Grain: one row per word, as it is mostly written.
with word as (
    select distinct photo_tag.content_hash, tag.name
    from photo_tag
    join tag using (tag_id)
    union
    select distinct content_hash, unnest(metadata.keywords) as name
    from metadata
    join present_file using (asset_id, content_hash)
    where len(metadata.keywords) > 0
)
select trim(name) as name, count(distinct content_hash) as usage_count
from word
where trim(name) <> ''
group by trim(name);
