-- Each combination of tags that photos have: what filters look into. Grain: one row per combination; 0 is no tag at all.
select 0::ubigint as tag_key, []::integer[] as tag_ids
union all
select tag_key, any_value(tag_ids) as tag_ids
from timeline
where tag_key <> 0
group by tag_key
