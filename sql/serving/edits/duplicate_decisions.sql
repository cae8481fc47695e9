-- Groups that a user said are no duplicates. Grain: one row per group.
select decision_id, content_hashes, decided_by, decided_at
from duplicate_decision
where decision = 'ignored'
order by decision_id;
