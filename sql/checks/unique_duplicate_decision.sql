-- A decision about duplicates has one number, and is about some picture.
select decision_id, count(*) as rows from duplicate_decision group by all having count(*) > 1
union all
select decision_id, 1 from duplicate_decision where coalesce(len(content_hashes), 0) = 0;
