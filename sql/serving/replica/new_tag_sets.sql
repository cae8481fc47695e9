-- Combinations of tags that the pictures in `touched` were the first to have. Grain: one row per combination.
-- One that no photo has any more stays until the copy is loaded anew.
insert into tag_set
select timeline.tag_key, any_value(timeline.tag_ids) as tag_ids
from timeline
semi join touched using (content_hash)
anti join tag_set using (tag_key)
group by timeline.tag_key
